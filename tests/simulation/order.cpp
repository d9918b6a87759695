#include "tests/simulation/order.hpp"

#include <functional>

#include "protocol/base/text.hpp"
#include "protocol/sip/builder.hpp"
#include "tests/simulation/picture.hpp"

namespace beckon::simulation {

using sip::HeaderId;

namespace {

/// Of that Contact, of the first one where it is empty; else the header's.
std::optional<std::uint32_t> lifetime_of(const sip::Message& message, const std::string& contact) {
  const auto contacts = message.contacts();
  if (!contacts) return message.expires();
  for (const auto& each : *contacts) {
    if (!contact.empty() && sip::print(each.uri) != contact) continue;
    const auto own = each.parameter("expires");
    return own ? parse_number<std::uint32_t>(*own) : message.expires();
  }
  return message.expires();
}

}  // namespace

void Order::fail(const sip::Message& message, const std::string& what) {
  if (fault_.empty()) fault_ = what + "\n" + std::string(message.text());
}

void Order::on_sent(const Address& from, const sip::Message& message) {
  if (message.is_request()) {
    on_request(from, message);
  } else if (message.status() / 100 == 2) {
    check_granted(message);
  }
}

void Order::on_request(const Address& from, const sip::Message& message) {
  const auto method = message.method();
  if (method == sip::Method::ack || method == sip::Method::cancel) return;
  if (message.values(HeaderId::via).size() > 1) return;
  const auto cseq = message.cseq();
  if (!cseq) return fail(message, "a request without CSeq");
  const std::string call_id(message.call_id()), from_tag(message.from_tag()), to_tag(message.to_tag());
  auto [place, is_new] = sequences_.try_emplace({from, call_id, from_tag, to_tag});
  auto& sequence = place->second;
  // A dialog goes on from the request that made it; of a forked one several do.
  const auto beginning = sequences_.find({from, call_id, from_tag, std::string()});
  if (is_new && beginning != sequences_.end()) sequence = beginning->second;
  // Via alone may differ: a request that found no TCP comes in a datagram (RFC 3261 18.1.1).
  const std::size_t hash = std::hash<std::string>{}(sip::Splice(message).drop(HeaderId::via).finish());
  const auto known = sequence.sent.find(cseq->number);
  if (known != sequence.sent.end()) {
    if (known->second != hash) fail(message, "one CSeq for two requests");
    return;
  }
  if (!sequence.sent.empty() && cseq->number < sequence.sent.rbegin()->first)
    fail(message,
         "CSeq " + std::to_string(cseq->number) + " behind " + std::to_string(sequence.sent.rbegin()->first));
  sequence.sent.emplace(cseq->number, hash);
  if (const auto asked = lifetime_of(message, {})) {
    const auto contacts =
        method == sip::Method::register_ ? message.contacts() : std::vector<sip::NameAddr>();
    asked_[{std::string(message.call_id()), cseq->number}] = {
        contacts && !contacts->empty() ? sip::print(contacts->front().uri) : "", *asked};
  }
  if (method == sip::Method::notify) check_document(sequence, message);
}

void Order::check_granted(const sip::Message& response) {
  const auto cseq = response.cseq();
  if (!cseq) return;
  const auto found = asked_.find({std::string(response.call_id()), cseq->number});
  if (found == asked_.end()) return;
  const auto& [contact, asked] = found->second;
  const auto granted = lifetime_of(response, contact);
  if (granted && *granted > asked)
    fail(response,
         "granted " + std::to_string(*granted) + " s where " + std::to_string(asked) + " s were asked");
}

void Order::check_document(Sequence& sequence, const sip::Message& notify) {
  std::string fault;
  const auto version = version_of(notify, fault);
  if (!fault.empty()) return fail(notify, fault);
  if (!version) return;
  const auto last = sequence.document;
  if (last && version->number <= *last)
    fail(notify, "document " + std::to_string(version->number) + " behind " + std::to_string(*last));
  if (version->is_partial && (!last || version->number != *last + 1))
    fail(notify, "partial document " + std::to_string(version->number) + " leaves a gap");
  sequence.document = version->number;
}

}  // namespace beckon::simulation
