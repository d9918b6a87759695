#include "protocol/trace/recorder.hpp"

#include <algorithm>

#include "protocol/trace/mask.hpp"

namespace beckon::trace {

void Recorder::add(Direction direction, const transaction::Hop& hop, const SharedText& owner,
                   std::string_view text) {
  if (may_hold_direct_secrets(text)) {
    const auto masked = share(mask_direct_secrets(text));
    put(direction, hop, {}, text.size(), masked, *masked);
  } else {
    put(direction, hop, {}, text.size(), owner, text);
  }
}

void Recorder::malformed(const transaction::Hop& from, ErrorCode problem, std::string_view text) {
  if (limits_.messages == 0) return;
  const auto kept = share(mask(text.substr(0, limits_.malformed_octets)));
  put(Direction::received, from, problem, text.size(), kept, *kept);
}

void Recorder::put(Direction direction, const transaction::Hop& hop, ErrorCode problem, std::size_t size,
                   const SharedText& owner, std::string_view text) {
  const std::size_t place = next_ % limits_.messages;
  if (ring_.size() <= place) ring_.resize(place + 1);
  if (this->size() == limits_.messages) drop_first();
  Entry& entry = ring_[place];
  entry.time = clock_.now();
  entry.hop = hop;
  entry.direction = direction;
  entry.problem = problem;
  entry.size = size;
  entry.owner = owner;
  entry.text = text;
  octets_ += owner->size();
  ++next_;
  while (octets_ > limits_.octets) drop_first();
}

void Recorder::drop_first() {
  Entry& oldest = at(first_++);
  octets_ -= oldest.owner->size();
  oldest.text = {};
  oldest.owner = nullptr;
}

Recorder::Page Recorder::read(std::uint64_t from, Time until, std::size_t most) const {
  Page page;
  page.lost = from != 0 && from < first_ ? first_ - from : 0;
  page.next = std::max(from, first_);
  for (; page.next < next_; ++page.next) {
    const Entry& entry = ring_[page.next % limits_.messages];
    if (entry.time.mono > until) break;
    page.more = page.entries.size() == most;
    if (page.more) break;
    page.entries.push_back(entry);
  }
  return page;
}

}  // namespace beckon::trace
