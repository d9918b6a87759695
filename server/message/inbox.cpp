#include "server/message/inbox.hpp"

#include <algorithm>
#include <utility>

#include "server/archive/content.hpp"

namespace beckon::server::message {

namespace {

constexpr std::string_view instance_mark = "instance ";

const Receipt* receipt_of(const Stored& message, std::string_view device) {
  const auto found = std::ranges::find(message.receipts, device, &Receipt::device);
  return found == message.receipts.end() ? nullptr : &*found;
}

std::string_view body_of(const Stored& message) {
  constexpr std::string_view end = "\r\n\r\n";
  const std::string_view text = message.text;
  const auto at = text.find(end);
  return at == std::string_view::npos ? std::string_view() : text.substr(at + end.size());
}

}  // namespace

std::string device_of(const registrar::Binding& binding) {
  if (binding.instance().empty()) return std::string(binding.contact());
  return std::string(instance_mark).append(binding.instance());
}

bool is_instance(std::string_view device) { return device.starts_with(instance_mark); }

bool Inbox::has_room(const Stored& message, const Limits& limits,
                     std::vector<std::uint64_t>& giving_way) const {
  const std::size_t octets = message.text.size();
  Sum kept = sums_[static_cast<std::size_t>(message.kind)];
  const auto fits = [&] { return kept.messages < limits.messages && kept.octets + octets <= limits.octets; };
  if (octets > limits.octets) return false;
  for (auto each = messages_.begin(); each != messages_.end() && !fits(); ++each) {
    const Stored& other = each->second;
    if (other.kind != message.kind || (other.kind == Kind::message && !other.is_delivered)) continue;
    giving_way.push_back(each->first);
    --kept.messages;
    kept.octets -= other.text.size();
  }
  return fits() && (message.kind != Kind::message || is_within_share(message, limits));
}

/// Whoever has nothing waiting finds room as long as there is any; n senders who write without end get 1/(n +
/// 1) of the inbox each.
bool Inbox::is_within_share(const Stored& message, const Limits& limits) const {
  Sum all, own;
  for (const auto& [number, each] : messages_) {
    if (each.kind != Kind::message || each.is_delivered) continue;
    all.add(each);
    if (each.sender == message.sender) own.add(each);
  }
  if (own.messages == 0) return true;
  all.add(message);
  own.add(message);
  return own.messages + all.messages <= limits.messages && own.octets + all.octets <= limits.octets;
}

std::size_t Inbox::octets() const {
  std::size_t all = 0;
  for (const Sum& each : sums_) all += each.octets;
  return all;
}

std::uint64_t Inbox::next_number(WallTime now) const {
  const auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(1, now.time_since_epoch().count()));
  return messages_.empty() ? time : std::max(time, messages_.rbegin()->first + 1);
}

void Inbox::count(const Stored& message, int sign) {
  const auto change = static_cast<std::size_t>(sign);
  Sum& sum = sums_[static_cast<std::size_t>(message.kind)];
  sum.messages += change;
  sum.octets += change * message.text.size();
  if (message.is_delivered) return;
  waiting_ += change;
  if (message.kind != Kind::notification) fresh_ += change;
}

void Inbox::put(Stored message) {
  erase(message.number);
  count(message, 1);
  messages_.emplace(message.number, std::move(message));
}

void Inbox::erase(std::uint64_t number) {
  const auto found = messages_.find(number);
  if (found == messages_.end()) return;
  count(found->second, -1);
  messages_.erase(found);
}

const Stored* Inbox::find(std::uint64_t number) const {
  const auto found = messages_.find(number);
  return found == messages_.end() ? nullptr : &found->second;
}

const Stored* Inbox::find(std::string_view topic) const {
  const auto is_it = [&](const auto& each) {
    return each.second.topic == topic && each.second.receipts.empty();
  };
  const auto found = waiting_ == 0 ? messages_.end() : std::ranges::find_if(messages_, is_it);
  return found == messages_.end() ? nullptr : &found->second;
}

const Stored* Inbox::next_for(std::string_view device, const MayGo& may_go) const {
  for (const auto& [number, message] : messages_) {
    if (message.is_delivered && !is_instance(device)) continue;
    if (message.receipts.size() < devices_max && !receipt_of(message, device) && (!may_go || may_go(message)))
      return &message;
  }
  return nullptr;
}

std::uint64_t Inbox::find_copy(const Stored& message) const {
  if (message.id.empty()) return 0;
  for (const auto& [number, each] : messages_)
    if (each.id == message.id && each.sender == message.sender && body_of(each) == body_of(message))
      return number;
  return 0;
}

std::vector<std::uint64_t> Inbox::named(std::string_view sender, std::string_view id) const {
  std::vector<std::uint64_t> numbers;
  if (id.empty()) return numbers;
  for (const auto& [number, message] : messages_)
    if (archive::is_named(message.id, id) && (message.sender == sender || shown_sender(message) == sender))
      numbers.push_back(number);
  return numbers;
}

bool Inbox::waits_from(std::string_view sender) const {
  if (waiting_ == 0) return false;
  return std::ranges::any_of(messages_, [&](const auto& each) {
    return each.second.receipts.empty() && each.second.sender == sender;
  });
}

std::optional<Stored> Inbox::answered(Stored message, std::string_view device, bool accepted, Time now,
                                      Duration kept) {
  if (receipt_of(message, device)) return message;
  message.receipts.push_back({std::string(device), accepted});
  if (!accepted) return message;
  // Without an instance ID the device cannot be told from those that come later.
  if (!is_instance(device) || kept == Duration::zero()) return std::nullopt;
  message.is_delivered = true;
  message.ends = std::min(message.ends, now + kept);
  return message;
}

Stored Inbox::refused_for_now(Stored message, std::string_view device) {
  ++message.refusals;
  if (message.is_refused_by(device)) return message;
  if (message.refusers.size() < devices_max)
    message.refusers.emplace_back(device);
  else
    message.refusers = {{}};
  return message;
}

std::optional<Time> Inbox::next_end() const {
  std::optional<Time> first;
  for (const auto& [number, message] : messages_)
    if (!first || message.ends < *first) first = message.ends;
  return first;
}

std::vector<std::uint64_t> Inbox::ended(Time now) const {
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, message] : messages_)
    if (message.ends <= now) numbers.push_back(number);
  return numbers;
}

}  // namespace beckon::server::message
