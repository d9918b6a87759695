#include "protocol/transaction/answer_log.hpp"

#include <algorithm>
#include <cstring>

namespace beckon::transaction {
namespace {

constexpr std::size_t smallest_block = 256 * 1024;
constexpr std::size_t largest_block = 8 << 20;
constexpr std::size_t first_places = 256;

}  // namespace

void AnswerLog::add(const Answer& answer) {
  if (2 * (records_.size() + 1) > places_.size()) grow();
  const char* text = append(answer.response);
  records_.push_back({.key = answer.key,
                      .until = answer.until,
                      .text = text,
                      .remote = answer.remote,
                      .local = answer.local,
                      .flow = answer.flow,
                      .identity = answer.identity,
                      .size = static_cast<std::uint32_t>(answer.response.size()),
                      .protocol = answer.protocol});
  insert(tag_of(answer.key), first_ + static_cast<std::uint32_t>(records_.size() - 1));
  while (octets_ > max_octets_ && records_.size() > 1) {
    drop_first();
    ++dropped_early_;
  }
}

std::optional<AnswerLog::Answer> AnswerLog::find(const KeyedHash::Wide& key) const {
  const auto place = place_of(key);
  return place ? std::optional(read(records_[*place])) : std::nullopt;
}

void AnswerLog::forget(const KeyedHash::Wide& key) {
  const auto place = place_of(key);
  if (!place) return;
  erase(tag_of(key), first_ + static_cast<std::uint32_t>(*place));
  records_[*place].is_forgotten = true;
}

bool AnswerLog::take_elsewhere(const KeyedHash::Wide& key) {
  const auto place = place_of(key);
  if (!place || records_[*place].elsewhere >= max_elsewhere) return false;
  ++records_[*place].elsewhere;
  return true;
}

/// In `records_`.
std::optional<std::size_t> AnswerLog::place_of(const KeyedHash::Wide& key) const {
  if (places_.empty()) return std::nullopt;
  const auto tag = tag_of(key);
  for (std::size_t at = home(tag); places_[at].tag != 0; at = after(at)) {
    if (places_[at].tag != tag) continue;
    const std::size_t place = static_cast<std::uint32_t>(places_[at].number - first_);
    if (records_[place].key == key) return place;
  }
  return std::nullopt;
}

void AnswerLog::expire(Time now) {
  while (!records_.empty() && records_.front().until <= now) drop_first();
}

std::optional<Time> AnswerLog::next() const {
  return records_.empty() ? std::nullopt : std::optional(records_.front().until);
}

void AnswerLog::each(const std::function<void(const Answer&)>& visit) const {
  for (const Record& record : records_)
    if (!record.is_forgotten) visit(read(record));
}

AnswerLog::Answer AnswerLog::read(const Record& record) {
  return {.key = record.key,
          .response = {record.text, record.size},
          .protocol = record.protocol,
          .remote = record.remote,
          .local = record.local,
          .flow = record.flow,
          .identity = record.identity,
          .until = record.until};
}

const char* AnswerLog::append(std::string_view response) {
  if (blocks_.empty() || blocks_.back().memory.size() - blocks_.back().used < response.size())
    add_block(response.size());
  Block& block = blocks_.back();
  char* text = block.memory.data() + block.used;
  std::memcpy(text, response.data(), response.size());
  block.used += response.size();
  ++block.answers;
  return text;
}

void AnswerLog::add_block(std::size_t at_least) {
  // The first blocks are small: most servers never need a second one.
  const std::size_t wanted = std::max(at_least, std::clamp(octets_, smallest_block, largest_block));
  LargeBlock memory = spare_.size() >= at_least ? std::move(spare_) : LargeBlock(wanted);
  spare_ = LargeBlock();
  octets_ += memory.size();
  blocks_.push_back({.memory = std::move(memory)});
}

void AnswerLog::drop_first() {
  if (!records_.front().is_forgotten) erase(tag_of(records_.front().key), first_);
  ++first_;
  records_.pop_front();
  Block& block = blocks_.front();
  if (--block.answers > 0) return;
  octets_ -= block.memory.size();
  if (spare_.size() < block.memory.size()) spare_ = std::move(block.memory);
  blocks_.pop_front();
}

void AnswerLog::insert(std::uint32_t tag, std::uint32_t number) {
  std::size_t at = home(tag);
  while (places_[at].tag != 0) at = after(at);
  places_[at] = {tag, number};
}

/// Closes the gap, so that no entry is separated from its home by an empty place.
void AnswerLog::erase(std::uint32_t tag, std::uint32_t number) {
  std::size_t gap = home(tag);
  while (places_[gap].number != number || places_[gap].tag != tag) gap = after(gap);
  const std::size_t mask = places_.size() - 1;
  for (std::size_t at = after(gap); places_[at].tag != 0; at = after(at)) {
    if (((at - home(places_[at].tag)) & mask) < ((at - gap) & mask)) continue;
    places_[gap] = places_[at];
    gap = at;
  }
  places_[gap] = {};
}

void AnswerLog::grow() {
  places_.assign(std::max(first_places, 2 * places_.size()), Place{});
  std::uint32_t number = first_;
  for (const Record& record : records_) {
    if (!record.is_forgotten) insert(tag_of(record.key), number);
    ++number;
  }
}

}  // namespace beckon::transaction
