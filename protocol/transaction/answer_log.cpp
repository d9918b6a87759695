#include "protocol/transaction/answer_log.hpp"

#include <algorithm>
#include <cstring>

namespace beckon::transaction {
namespace {

constexpr std::size_t smallest_block = 256 * 1024;
constexpr std::size_t largest_block = 8 << 20;
constexpr std::size_t first_places = 256;

}  // namespace

void AnswerLog::add(Hash hash, const Answer& answer) {
  if (2 * (records_.size() + 1) > places_.size()) grow();
  const char* text = append(answer.key, answer.response);
  const auto tag = tag_of(hash);
  records_.push_back({answer.hop, answer.until, text, static_cast<std::uint32_t>(answer.key.size()),
                      static_cast<std::uint32_t>(answer.response.size()), tag});
  insert(tag, first_ + static_cast<std::uint32_t>(records_.size() - 1));
  while (octets_ > max_octets_ && records_.size() > 1) {
    drop_first();
    ++dropped_early_;
  }
}

std::optional<AnswerLog::Answer> AnswerLog::find(Hash hash, std::string_view key) const {
  if (places_.empty()) return std::nullopt;
  const auto tag = tag_of(hash);
  for (std::size_t at = home(tag); places_[at].tag != 0; at = behind(at)) {
    if (places_[at].tag != tag) continue;
    const Record& record = records_[static_cast<std::uint32_t>(places_[at].number - first_)];
    if (std::string_view(record.text, record.key_size) == key) return read(record);
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
  for (const Record& record : records_) visit(read(record));
}

AnswerLog::Answer AnswerLog::read(const Record& record) {
  return {.key = {record.text, record.key_size},
          .response = {record.text + record.key_size, record.response_size},
          .hop = record.hop,
          .until = record.until};
}

const char* AnswerLog::append(std::string_view key, std::string_view response) {
  const std::size_t size = key.size() + response.size();
  if (blocks_.empty() || blocks_.back().memory.size() - blocks_.back().used < size) add_block(size);
  Block& block = blocks_.back();
  char* text = block.memory.data() + block.used;
  std::memcpy(text, key.data(), key.size());
  std::memcpy(text + key.size(), response.data(), response.size());
  block.used += size;
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
  erase(records_.front().tag, first_++);
  records_.pop_front();
  Block& block = blocks_.front();
  if (--block.answers > 0) return;
  octets_ -= block.memory.size();
  if (spare_.size() < block.memory.size()) spare_ = std::move(block.memory);
  blocks_.pop_front();
}

void AnswerLog::insert(std::uint32_t tag, std::uint32_t number) {
  std::size_t at = home(tag);
  while (places_[at].tag != 0) at = behind(at);
  places_[at] = {tag, number};
}

/// Closes the gap, so that every entry can be reached from its home without one.
void AnswerLog::erase(std::uint32_t tag, std::uint32_t number) {
  std::size_t gap = home(tag);
  while (places_[gap].number != number || places_[gap].tag != tag) gap = behind(gap);
  const std::size_t mask = places_.size() - 1;
  for (std::size_t at = behind(gap); places_[at].tag != 0; at = behind(at)) {
    if (((at - home(places_[at].tag)) & mask) < ((at - gap) & mask)) continue;
    places_[gap] = places_[at];
    gap = at;
  }
  places_[gap] = {};
}

void AnswerLog::grow() {
  places_.assign(std::max(first_places, 2 * places_.size()), Place{});
  std::uint32_t number = first_;
  for (const Record& record : records_) insert(record.tag, number++);
}

}  // namespace beckon::transaction
