#include <utility>
#include <variant>
#include <vector>

#include "protocol/sip/builder.hpp"
#include "protocol/sip/grammar.hpp"
#include "protocol/sip/header_value.hpp"
#include "protocol/sip/message.hpp"
#include "tools/bench/parser/subject.hpp"

namespace beckon::bench {

namespace {

using sip::HeaderId;

/// Via, addresses and CSeq as views; every other header as `parse_header` gives it.
using Value = std::variant<sip::ViaView, sip::NameAddrView, sip::CSeqView, sip::HeaderValue>;

struct Typed {
  HeaderId id;
  std::string_view name;  ///< Of a header without id.
  std::string_view text;
  Value value;
};

class Beckon final : public Subject {
 public:
  const char* name() const override { return "beckon"; }

  Facts index(std::string_view octets) override {
    parse(octets);
    Facts facts;
    if (message_.is_request()) facts.host = message_.request_uri_view().value().host;
    facts.branch = message_.top_via_view().value().branch;
    if (const auto route = message_.first(HeaderId::route); !route.empty())
      facts.route_host = sip::view_name_addr(route).value().uri.host;
    facts.from_tag = message_.from_tag();
    facts.to_tag = message_.to_tag();
    facts.call_id = message_.call_id();
    const auto cseq = sip::view_cseq(message_.header(HeaderId::cseq)).value();
    facts.method = cseq.method;
    facts.cseq = cseq.number;
    facts.max_forwards = message_.number(HeaderId::max_forwards).value_or(0);
    return facts;
  }

  std::size_t full(std::string_view octets) override {
    parse(octets);
    typed_.clear();
    if (message_.is_request()) uri_ = message_.request_uri_view().value();
    for (const auto& line : message_.headers()) read(line);
    return typed_.size();
  }

  void keep(std::string_view octets) override { full(octets); }

  std::string_view print() override {
    uri_text_.clear();
    sip::append(uri_text_, uri_);
    auto builder = message_.is_request() ? sip::Builder::request(message_.method_text(), uri_text_)
                                         : sip::Builder::response(message_.status(), message_.reason());
    for (const auto& typed : typed_) {
      if (typed.id == HeaderId::other) {
        builder.add(typed.name, typed.text);
      } else if (const auto* via = std::get_if<sip::ViaView>(&typed.value)) {
        builder.add(typed.id, *via);
      } else if (const auto* address = std::get_if<sip::NameAddrView>(&typed.value)) {
        builder.add(typed.id, *address);
      } else if (const auto* cseq = std::get_if<sip::CSeqView>(&typed.value)) {
        builder.add(typed.id, *cseq);
      } else {
        builder.add(typed.id, std::get<sip::HeaderValue>(typed.value));
      }
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

  template <class View>
  void keep_each(const sip::HeaderLine& line, Result<View> (*view)(std::string_view)) {
    auto rest = line.value;
    for (std::string_view value; sip::grammar::next_piece(rest, ',', value);)
      typed_.push_back({line.id, line.name, value, view(value).value()});
  }

  void read(const sip::HeaderLine& line) {
    switch (line.id) {
      case HeaderId::via:
        return keep_each(line, sip::view_via);
      case HeaderId::from:
      case HeaderId::to:
      case HeaderId::contact:
      case HeaderId::route:
      case HeaderId::record_route:
      case HeaderId::p_asserted_identity:
        return keep_each(line, sip::view_name_addr);
      case HeaderId::cseq:
        return keep_each(line, sip::view_cseq);
      case HeaderId::content_length:
      case HeaderId::content_type:  // written with the body
        return;
      default:
        typed_.push_back({line.id, line.name, line.value, sip::parse_header(line.id, line.value).value()});
    }
  }

  sip::Message message_;
  sip::UriView uri_;
  std::string uri_text_;
  std::vector<Typed> typed_;
  std::string out_;
  SharedText forwarded_;
};

}  // namespace

std::unique_ptr<Subject> make_beckon() { return std::make_unique<Beckon>(); }

}  // namespace beckon::bench
