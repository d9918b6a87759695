#include "tests/simulation/order.hpp"

#include <functional>

#include "protocol/base/text.hpp"
#include "protocol/documents/winfo.hpp"
#include "protocol/sip/builder.hpp"

namespace beckon::simulation {

using sip::HeaderId;

namespace {

/// Of a Contact (one device registers in the story), else the header's.
std::optional<std::uint32_t> lifetime_of(const sip::Message& message) {
  const auto contacts = message.contacts();
  const auto own = contacts && !contacts->empty() ? contacts->front().parameter("expires") : std::nullopt;
  return own ? parse_number<std::uint32_t>(*own) : message.expires();
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
  auto& sequence = sequences_[{from, std::string(message.call_id()), std::string(message.from_tag())}];
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
  if (const auto asked = lifetime_of(message))
    asked_[{std::string(message.call_id()), cseq->number}] = *asked;
  if (sip::media_type(message.header(HeaderId::content_type)) == documents::winfo_type)
    check_winfo(sequence, message);
}

void Order::check_granted(const sip::Message& response) {
  const auto cseq = response.cseq();
  const auto granted = lifetime_of(response);
  if (!cseq || !granted) return;
  const auto asked = asked_.find({std::string(response.call_id()), cseq->number});
  if (asked != asked_.end() && *granted > asked->second)
    fail(response, "granted " + std::to_string(*granted) + " s where " + std::to_string(asked->second) +
                       " s were asked");
}

void Order::check_winfo(Sequence& sequence, const sip::Message& notify) {
  const auto info = documents::parse_winfo(notify.body());
  if (!info) return fail(notify, "watcher information that cannot be read");
  const auto last = sequence.winfo_version;
  if (last && info->version <= *last)
    fail(notify, "watcher information " + std::to_string(info->version) + " behind " + std::to_string(*last));
  const bool partial = info->state == documents::WatcherInfo::State::partial;
  if (partial && (!last || info->version != *last + 1))
    fail(notify, "partial watcher information " + std::to_string(info->version) + " leaves a gap");
  sequence.winfo_version = info->version;
}

}  // namespace beckon::simulation
