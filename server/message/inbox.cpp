#include "server/message/inbox.hpp"

#include <algorithm>
#include <utility>

namespace beckon::server::message {

namespace {

constexpr std::string_view instance_mark = "instance ";

const Receipt* receipt_of(const Stored& message, std::string_view device) {
  const auto found = std::ranges::find(message.receipts, device, &Receipt::device);
  return found == message.receipts.end() ? nullptr : &*found;
}

}  // namespace

std::string device_of(const registrar::Binding& binding) {
  if (binding.instance().empty()) return std::string(binding.contact());
  return std::string(instance_mark).append(binding.instance());
}

bool is_instance(std::string_view device) { return device.starts_with(instance_mark); }

bool Inbox::has_room(std::size_t octets, const Limits& limits, std::vector<std::uint64_t>& giving_way) const {
  std::size_t messages = messages_.size(), kept = octets_;
  const auto fits = [&] { return messages < limits.messages && kept + octets <= limits.octets; };
  for (auto each = messages_.begin(); each != messages_.end() && !fits(); ++each) {
    if (!each->second.is_delivered) continue;
    giving_way.push_back(each->first);
    --messages;
    kept -= each->second.text.size();
  }
  return fits();
}

std::uint64_t Inbox::next_number(WallTime now) const {
  const auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(1, now.time_since_epoch().count()));
  return messages_.empty() ? time : std::max(time, messages_.rbegin()->first + 1);
}

void Inbox::count(const Stored& message, int sign) {
  octets_ += static_cast<std::size_t>(sign) * message.text.size();
  if (!message.is_delivered) waiting_ += static_cast<std::size_t>(sign);
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

const Stored* Inbox::next_for(std::string_view device) const {
  for (const auto& [number, message] : messages_) {
    if (message.is_delivered && !is_instance(device)) continue;
    if (message.receipts.size() < devices_max && !receipt_of(message, device)) return &message;
  }
  return nullptr;
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
