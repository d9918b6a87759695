#include "protocol/trace/recorder.hpp"

#include <algorithm>

#include "protocol/trace/mask.hpp"

namespace beckon::trace {

void Recorder::add(Direction direction, const transaction::Hop& hop, const SharedText& owner,
                   std::string_view text) {
  if (may_hold_direct_secrets(text)) {
    const auto masked = share(mask_direct_secrets(text));
    put(direction, hop, {}, text.size(), masked, *masked, nullptr);
  } else {
    put(direction, hop, {}, text.size(), owner, text, nullptr);
  }
}

void Recorder::sent(const transaction::Hop& to, const transaction::Outgoing& message) {
  if (limits_.messages == 0) return;
  const auto& [head, body] = message;
  if (!body || may_hold_direct_secrets(*body)) {
    const SharedText text = message.join();
    return add(Direction::sent, to, text, *text);
  }
  put(Direction::sent, to, {}, message.size(), head, *head, body);
}

void Recorder::malformed(const transaction::Hop& from, ErrorCode problem, std::string_view text) {
  if (limits_.messages == 0) return;
  const auto kept = share(mask(text.substr(0, limits_.malformed_octets)));
  put(Direction::received, from, problem, text.size(), kept, *kept, nullptr);
}

void Recorder::put(Direction direction, const transaction::Hop& hop, ErrorCode problem, std::size_t size,
                   const SharedText& owner, std::string_view text, const SharedText& body) {
  const std::size_t place = next_ % limits_.messages;
  if (ring_.size() <= place) ring_.resize(place + 1);
  if (this->size() == limits_.messages) drop_first();
  ring_[place].body = body;
  Entry& entry = ring_[place].entry;
  entry.time = clock_.now();
  entry.hop = hop;
  entry.direction = direction;
  entry.problem = problem;
  entry.size = size;
  entry.owner = owner;
  entry.text = text;
  octets_ += size_of(ring_[place]);
  ++next_;
  while (octets_ > limits_.octets) drop_first();
}

void Recorder::drop_first() {
  Kept& oldest = at(first_++);
  octets_ -= size_of(oldest);
  oldest.entry.text = {};
  oldest.entry.owner = nullptr;
  oldest.body = nullptr;
}

Recorder::Page Recorder::read(std::uint64_t from, Time until, std::size_t most) const {
  Page page;
  page.lost = from != 0 && from < first_ ? first_ - from : 0;
  page.next = std::max(from, first_);
  for (; page.next < next_; ++page.next) {
    const auto& [entry, body] = ring_[page.next % limits_.messages];
    if (entry.time.mono > until) break;
    page.more = page.entries.size() == most;
    if (page.more) break;
    page.entries.push_back(entry);
    if (!body) continue;
    Entry& whole = page.entries.back();
    whole.owner = transaction::Outgoing(entry.owner, body).join();
    whole.text = *whole.owner;
  }
  return page;
}

}  // namespace beckon::trace
