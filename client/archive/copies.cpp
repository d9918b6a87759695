#include "client/archive/copies.hpp"

#include <algorithm>

#include "client/archive/view.hpp"

namespace beckon::client::archive {

namespace {

/// An id is its sender's choice: two senders may choose the same.
std::string key_of(const std::string& from, const std::string& id) { return from + ' ' + id; }

}  // namespace

void Copies::note_own(const std::string& from, const std::string& id) {
  std::string key = key_of(from, id);
  if (by_id_.contains(key)) return;
  own_.push_back(std::move(key));
  by_id_.insert(own_.back());
  if (own_.size() <= own_max) return;
  by_id_.erase(own_.front());
  own_.pop_front();
}

void Copies::on_notified(const documents::MessageArchive& changes, Now now) {
  newest_ = changes.to;
  if (!known_) {
    known_ = changes.to;
    return;
  }
  if (asks_) return;  // the answer has it, or is asked for again
  // Another archive has begun: that of before is gone.
  if (changes.to < *known_) known_ = changes.to;
  if (changes.from > *known_) return catch_up(now);
  take(changes, now);
}

void Copies::on_answer(const documents::MessageArchive* changes, Now now) {
  asks_ = false;
  if (!known_ || !changes) return;
  newest_ = std::max(newest_, changes->to);
  const std::uint64_t before = *known_;
  take(*changes, now);
  const bool is_left = !changes->is_complete || newest_ > *known_;
  if (is_left && *known_ > before) catch_up(now);
}

void Copies::reset() {
  known_.reset();
  newest_ = 0;
}

void Copies::catch_up(Now now) {
  asks_ = true;
  ask_(*known_, now);
}

void Copies::take(const documents::MessageArchive& changes, Now now) {
  const std::uint64_t before = *known_;
  known_ = std::max(before, changes.to);
  for (const documents::ArchivedMessage& each : changes.messages)
    if (each.change > before) show(each, each.number > before, now);
  for (const documents::MessageErasure& each : changes.erased) {
    if (each.change <= before) continue;
    auto event = control::make_event("messages-erased", now);
    if (!each.with.empty()) event["with"] = each.with;
    if (each.number != 0) event["message"] = std::to_string(each.number);
    emit_(std::move(event));
  }
}

void Copies::show(const documents::ArchivedMessage& message, bool is_new, Now now) {
  const bool is_received = message.direction == documents::MessageDirection::received;
  const std::string key = key_of(is_received ? message.with : std::string(), message.id);
  const bool is_copy = is_new && message.has_text && !by_id_.contains(key);
  auto event = control::make_event(is_copy ? "message-copy" : "message-state", now);
  for (auto& member : make_view(message)) event.insert(member);
  if (!is_copy)
    for (const char* name : {"at", "text", "content_type", "truncated"}) event.erase(name);
  emit_(std::move(event));
}

}  // namespace beckon::client::archive
