#include "client/invite/reason.hpp"

#include "client/account/requester.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/header_value.hpp"

namespace beckon::client::invite {

std::optional<Reason> find_reason(const sip::Message& message) {
  for (const auto text : message.values(sip::HeaderId::reason)) {
    const auto read = sip::parse_header(sip::HeaderId::reason, text);
    const auto* const items = read ? std::get_if<std::vector<sip::Item>>(&*read) : nullptr;
    if (items == nullptr || items->empty() || !iequals(items->front().value, "SIP")) continue;
    const auto cause = items->front().parameter("cause");
    const auto number = cause ? parse_number<int>(*cause) : std::nullopt;
    if (!number) continue;
    const auto words = items->front().parameter("text");
    return Reason{*number, words ? sip::text_of(*words) : std::string()};
  }
  return std::nullopt;
}

std::string print(const Reason& reason) {
  std::string out = "SIP ;cause=" + std::to_string(reason.cause);
  if (!reason.text.empty()) out += " ;text=\"" + reason.text + '"';
  return out;
}

call::Cause cause_of_final(int status, const sip::Message* response) {
  using account::Requester;
  const int known = Requester::status_of(status, response);
  call::Cause out{std::string(Requester::reason_of(status, response)), known, control::cause_of(known)};
  if (response != nullptr) {
    // A proxy says what it knows of the branches (RFC 3326, RFC 6228).
    if (const auto reason = find_reason(*response); reason && !reason->text.empty())
      out.reason = reason->text;
  }
  if (out.reason.empty()) out.reason = sip::default_reason(known);
  return out;
}

call::Cause cause_of_end(const sip::Message& request) {
  const auto reason = find_reason(request);
  const bool is_cancel = request.method() == sip::Method::cancel;
  if (!reason) {
    if (is_cancel) return {"the caller gave up", 487, control::Cause::done};
    return {"normal", 200, control::Cause::done};
  }
  const std::string words =
      reason->text.empty() ? std::string(sip::default_reason(reason->cause)) : reason->text;
  // "Call completed elsewhere" and the like: another device of this user took or declined the call.
  const auto cause = is_cancel ? control::Cause::done : control::cause_of(reason->cause);
  return {words, reason->cause, cause};
}

}  // namespace beckon::client::invite
