#include <osipparser2/osip_parser.h>

#include <cstring>

#include "tools/bench/parser/subject.hpp"

namespace beckon::bench {

namespace {

std::string_view view(const char* text) { return text ? text : std::string_view{}; }

/// libosip2: one call reads everything it has a type for; the rest it keeps as name and text. It has no lazy
/// way, so `index` and `full` are the same call.
class Osip final : public Subject {
 public:
  Osip() { parser_init(); }
  ~Osip() override { forget(); }

  const char* name() const override { return "osip"; }

  Facts index(std::string_view octets) override {
    parse(octets);
    Facts facts;
    if (MSG_IS_REQUEST(message_)) facts.host = view(message_->req_uri->host);
    osip_generic_param_t* found = nullptr;
    const auto* via = static_cast<osip_via_t*>(osip_list_get(&message_->vias, 0));
    if (osip_via_param_get_byname(const_cast<osip_via_t*>(via), const_cast<char*>("branch"), &found) == 0)
      facts.branch = view(found->gvalue);
    if (const auto* route = static_cast<osip_route_t*>(osip_list_get(&message_->routes, 0)))
      facts.route_host = view(route->url->host);
    if (osip_from_get_tag(message_->from, &found) == 0) facts.from_tag = view(found->gvalue);
    if (osip_to_get_tag(message_->to, &found) == 0) facts.to_tag = view(found->gvalue);
    call_id_ = view(message_->call_id->number);
    if (message_->call_id->host) call_id_.append("@").append(message_->call_id->host);
    facts.call_id = call_id_;
    facts.method = view(message_->cseq->method);
    facts.cseq = static_cast<std::uint32_t>(std::strtoul(message_->cseq->number, nullptr, 10));
    osip_header_t* max_forwards = nullptr;
    if (osip_message_get_max_forwards(message_, 0, &max_forwards) >= 0 && max_forwards)
      facts.max_forwards = static_cast<std::uint32_t>(std::strtoul(max_forwards->hvalue, nullptr, 10));
    return facts;
  }

  std::size_t full(std::string_view octets) override {
    parse(octets);
    return static_cast<std::size_t>(osip_list_size(&message_->headers));
  }

  void keep(std::string_view octets) override { parse(octets); }

  std::string_view print() override {
    osip_message_force_update(message_);
    return write();
  }

  std::string_view forward(std::string_view octets) override {
    parse(octets);
    if (MSG_IS_RESPONSE(message_)) {
      auto* top = static_cast<osip_via_t*>(osip_list_get(&message_->vias, 0));
      osip_list_remove(&message_->vias, 0);
      osip_via_free(top);
    } else {
      osip_via_t* via = nullptr;
      osip_via_init(&via);
      osip_via_parse(via, our_via.data());
      osip_list_add(&message_->vias, via, 0);
      if (auto* route = static_cast<osip_route_t*>(osip_list_get(&message_->routes, 0))) {
        osip_list_remove(&message_->routes, 0);
        osip_route_free(route);
      }
      osip_header_t* max_forwards = nullptr;
      osip_message_get_max_forwards(message_, 0, &max_forwards);
      std::snprintf(max_forwards->hvalue, std::strlen(max_forwards->hvalue) + 1, "%lu",
                    std::strtoul(max_forwards->hvalue, nullptr, 10) - 1);
    }
    osip_message_force_update(message_);
    return write();
  }

 private:
  void forget() {
    osip_message_free(message_);
    osip_free(out_);
    message_ = nullptr;
    out_ = nullptr;
  }

  void parse(std::string_view octets) {
    osip_message_free(message_);
    osip_message_init(&message_);
    if (osip_message_parse(message_, octets.data(), octets.size()) != 0) std::abort();
  }

  std::string_view write() {
    osip_free(out_);
    std::size_t size = 0;
    if (osip_message_to_str(message_, &out_, &size) != 0) std::abort();
    return {out_, size};
  }

  osip_message_t* message_ = nullptr;
  char* out_ = nullptr;
  std::string call_id_;
};

}  // namespace

std::unique_ptr<Subject> make_osip() { return std::make_unique<Osip>(); }

}  // namespace beckon::bench
