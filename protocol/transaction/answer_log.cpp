#include "protocol/transaction/answer_log.hpp"

#include <algorithm>
#include <cstring>

namespace beckon::transaction {
namespace {

constexpr std::size_t block_size = 64 * 1024;  ///< A longer answer gets a block of its own.
constexpr std::size_t first_places = 256;

}  // namespace

void AnswerLog::add(Hash hash, const Answer& answer) {
  if (2 * (records_.size() + 1) > places_.size()) grow();
  char* text = take(answer.key.size() + answer.response.size());
  std::memcpy(text, answer.key.data(), answer.key.size());
  std::memcpy(text + answer.key.size(), answer.response.data(), answer.response.size());
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

char* AnswerLog::take(std::size_t size) {
  if (blocks_.empty() || blocks_.back().size - blocks_.back().used < size) {
    Block block;
    if (!spare_.empty() && size <= block_size) {
      block = std::move(spare_.back());
      spare_.pop_back();
    } else {
      block.size = std::max(size, block_size);
      block.octets = std::make_unique_for_overwrite<char[]>(block.size);
    }
    octets_ += block.size;
    blocks_.push_back(std::move(block));
  }
  Block& block = blocks_.back();
  char* text = block.octets.get() + block.used;
  block.used += size;
  ++block.answers;
  return text;
}

void AnswerLog::drop_first() {
  erase(records_.front().tag, first_++);
  records_.pop_front();
  Block& block = blocks_.front();
  if (--block.answers > 0) return;
  octets_ -= block.size;
  block.used = 0;
  if (block.size == block_size && spare_.empty()) spare_.push_back(std::move(block));
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
