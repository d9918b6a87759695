#include <utility>
#include <variant>
#include <vector>

#include "protocol/auth/challenge.hpp"
#include "protocol/auth/credentials.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/sip/message.hpp"
#include "tools/bench/parser/subject.hpp"

namespace beckon::bench {

namespace {

using sip::HeaderId;

using Value = std::variant<std::string, std::uint32_t, sip::Via, sip::NameAddr, sip::CSeq, sip::Event,
                           sip::SubscriptionState, auth::Credentials, auth::Challenge>;

struct Typed {
  HeaderId id;
  std::string_view name;  ///< Of a header without id.
  Value value;
};

const std::string& written(const std::string& value) { return value; }
std::string written(std::uint32_t value) { return std::to_string(value); }
std::string written(const sip::CSeq& value) { return std::to_string(value.number) + " " + value.method; }
std::string written(const sip::Event& value) { return value.package + value.parameters; }
template <class T>
std::string written(const T& value) {
  return print(value);
}

class Beckon final : public Subject {
 public:
  const char* name() const override { return "beckon"; }

  Facts index(std::string_view octets) override {
    parse(octets);
    Facts facts;
    if (message_.is_request()) {
      uri_ = message_.request_uri().value();
      facts.host = uri_.host;
    }
    via_ = message_.top_via().value();
    facts.branch = via_.branch();
    if (const auto route = message_.first(HeaderId::route); !route.empty()) {
      route_ = sip::parse_name_addr(route).value();
      facts.route_host = route_.uri.host;
    }
    facts.from_tag = message_.from_tag();
    facts.to_tag = message_.to_tag();
    facts.call_id = message_.call_id();
    cseq_ = message_.cseq().value();
    facts.method = cseq_.method;
    facts.cseq = cseq_.number;
    facts.max_forwards = message_.number(HeaderId::max_forwards).value_or(0);
    return facts;
  }

  std::size_t full(std::string_view octets) override {
    parse(octets);
    typed_.clear();
    if (message_.is_request()) uri_ = message_.request_uri().value();
    for (const auto& line : message_.headers()) read(line);
    return typed_.size();
  }

  void keep(std::string_view octets) override { full(octets); }

  std::string_view print() override {
    auto builder = message_.is_request() ? sip::Builder::request(message_.method_text(), sip::print(uri_))
                                         : sip::Builder::response(message_.status(), message_.reason());
    for (const auto& typed : typed_) {
      const auto text = std::visit([](const auto& value) { return written(value); }, typed.value);
      typed.id == HeaderId::other ? builder.add(typed.name, text) : builder.add(typed.id, text);
    }
    const auto body = message_.body();
    out_ = body.empty() ? std::move(builder).finish()
                        : std::move(builder).finish(message_.header(HeaderId::content_type), body);
    return out_;
  }

  std::string_view forward(std::string_view octets) override {
    parse(octets);
    sip::Splice splice(message_);
    if (message_.is_response()) {
      splice.drop_first(HeaderId::via);
    } else {
      splice.prepend(HeaderId::via, our_via).drop_first(HeaderId::route);
      splice.replace(HeaderId::max_forwards, message_.number(HeaderId::max_forwards).value_or(70) - 1);
    }
    forwarded_ = splice.finish_shared();
    return *forwarded_;
  }

 private:
  void parse(std::string_view octets) { message_ = sip::Message::parse(share(octets)).value(); }

  void keep_value(const sip::HeaderLine& line, Value value) {
    typed_.push_back({line.id, line.name, std::move(value)});
  }

  template <class Read>
  void keep_each(const sip::HeaderLine& line, Read parse_one) {
    for (const auto value : sip::split_values(line.value)) keep_value(line, parse_one(value).value());
  }

  void read(const sip::HeaderLine& line) {
    switch (line.id) {
      case HeaderId::via:
        return keep_each(line, sip::parse_via);
      case HeaderId::from:
      case HeaderId::to:
        return keep_value(line, sip::parse_name_addr(line.value).value());
      case HeaderId::contact:
      case HeaderId::route:
      case HeaderId::record_route:
      case HeaderId::p_asserted_identity:
        return keep_each(line, sip::parse_name_addr);
      case HeaderId::cseq:
        return keep_value(line, sip::parse_cseq(line.value).value());
      case HeaderId::event:
        return keep_value(line, sip::parse_event(line.value).value());
      case HeaderId::subscription_state:
        return keep_value(line, sip::parse_subscription_state(line.value).value());
      case HeaderId::authorization:
      case HeaderId::proxy_authorization:
        return keep_value(line, auth::parse_credentials(line.value).value());
      case HeaderId::www_authenticate:
      case HeaderId::proxy_authenticate:
        return keep_value(line, auth::parse_challenge(line.value).value());
      case HeaderId::expires:
      case HeaderId::max_forwards:
      case HeaderId::min_se:
      case HeaderId::session_expires:
        return keep_value(line, sip::parse_delta_seconds(line.value).value());
      case HeaderId::content_length:
      case HeaderId::content_type:  // written with the body
        return;
      default:
        return keep_value(line, std::string(line.value));
    }
  }

  sip::Message message_;
  sip::Uri uri_;
  sip::Via via_;
  sip::NameAddr route_;
  sip::CSeq cseq_;
  std::vector<Typed> typed_;
  std::string out_;
  SharedText forwarded_;
};

}  // namespace

std::unique_ptr<Subject> make_beckon() { return std::make_unique<Beckon>(); }

}  // namespace beckon::bench
