#include "client/message/pager.hpp"

#include "protocol/base/text.hpp"
#include "protocol/documents/message_archive.hpp"

namespace beckon::client::message {

using sip::HeaderId;

namespace {

/// Octets that Via and Authorization add later.
constexpr std::size_t added_later = 600;

/// Empty unless it names a user.
std::string aor_of(const Result<sip::NameAddr>& address) {
  const bool usable = address && address->uri.is_sip() && !address->uri.user.empty();
  return usable ? sip::canonical_aor(address->uri) : std::string();
}

/// The sender that P-Asserted-Identity names (RFC 3325); empty without one.
std::string asserted_sender(const sip::Message& message) {
  for (const auto value : message.values(HeaderId::p_asserted_identity)) {
    if (auto aor = aor_of(sip::parse_name_addr(value)); !aor.empty()) return aor;
  }
  return {};
}

}  // namespace

void Pager::send(const std::string& to, std::string text, Done done, Now now) {
  const std::string call_id = context_.random.token(12);
  const std::string tag = context_.random.token(8);
  account::Requester::Request request{.method = sip::Method::message,
                                      .uri = to,
                                      .make = {},
                                      .content_type = "text/plain;charset=UTF-8",
                                      .body = share(std::move(text)),
                                      .owner = life_.watch()};
  request.make = [this, to, call_id, tag, cseq = std::uint32_t{0}]() mutable {
    note(call_id, ++cseq);
    return context_.request("MESSAGE", to, to, tag, call_id, cseq);
  };
  const std::size_t size =
      context_.request("MESSAGE", to, to, tag, call_id, 1).finish().size() + request.body->size();
  if (size + added_later > request_max) return done(513, "longer than a MESSAGE may be (RFC 3428 8)", now);
  context_.requester.send(
      std::move(request), context_.hop(),
      [done = std::move(done)](int status, const sip::Message* response, Now at) {
        using account::Requester;
        done(Requester::status_of(status, response), Requester::reason_of(status, response), at);
      },
      now);
}

void Pager::note(std::string_view call_id, std::uint32_t cseq) const {
  if (on_id_) on_id_(documents::message_id(call_id, cseq));
}

const incoming::Services& Pager::services() const {
  static const incoming::Services services{.methods = {sip::Method::message}};
  return services;
}

void Pager::on_request(const incoming::Request& request, Now now) {
  const sip::Message& message = request.message();
  const std::string type = sip::media_type(message.header(HeaderId::content_type));
  // COMPAT: some peers send a text without Content-Type.
  if (message.has(HeaderId::content_type) && !type.starts_with("text/")) {
    auto reply = request.reply(415);
    reply.add(HeaderId::accept, "text/plain");
    return request.respond(std::move(reply), now);
  }
  const std::string asserted = request.is_from_server() ? asserted_sender(message) : std::string();
  const std::string from = asserted.empty() ? aor_of(message.from()) : asserted;
  if (from.empty() || !is_utf8(message.body())) return request.respond(400, now);
  if (const auto cseq = message.cseq()) note(message.call_id(), cseq->number);
  boost::json::object event = control::make_event("message", now);
  event["from"] = from;
  event["text"] = message.body();
  event["asserted"] = !asserted.empty();
  if (!type.empty()) event["content_type"] = type;
  context_.emit(std::move(event));
  request.respond(200, now);
}

}  // namespace beckon::client::message
