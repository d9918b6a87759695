#include "server/archive/box.hpp"

#include <algorithm>
#include <ranges>

#include "protocol/base/text.hpp"
#include "server/store/record.hpp"

namespace beckon::server::archive {

const ArchivedMessage* Box::find(const ArchivedMessage& same) const {
  for (const ArchivedMessage& each : std::views::reverse(messages))
    if (each.direction == same.direction && each.id == same.id && each.with == same.with &&
        each.author == same.author)
      return &each;
  return nullptr;
}

std::uint64_t Box::next_number(WallTime now) const {
  const auto clock = static_cast<std::uint64_t>(std::max<std::int64_t>(1, now.time_since_epoch().count()));
  return std::max(newest + 1, clock);
}

std::size_t size_of(const ArchivedMessage& message) {
  return sizeof message + message.with.size() + message.id.size() + message.content_type.size() +
         message.text.size() + message.author.size();
}

std::string encode(const ArchivedMessage& message) {
  return store::RecordWriter()
      .number(message.change)
      .text(message.with)
      .text(message.id)
      .flag(message.direction == MessageDirection::sent)
      .number(static_cast<std::uint64_t>(message.state))
      // What people read: it does not follow the store's scale.
      .number(static_cast<std::uint64_t>(message.time.time_since_epoch().count()))
      .text(message.content_type)
      .text(message.text)
      .flag(message.is_cut)
      .text(message.author)
      .finish();
}

std::optional<ArchivedMessage> decode_message(std::string_view key, std::string_view value) {
  const auto number = parse_number<std::uint64_t>(key);
  store::RecordReader reader(value);
  ArchivedMessage message{.number = number.value_or(0)};
  message.change = reader.number();
  message.with = reader.text();
  message.id = reader.text();
  message.direction = reader.flag() ? MessageDirection::sent : MessageDirection::received;
  const std::uint64_t state = reader.number();
  message.state = static_cast<MessageState>(state);
  message.time = WallTime(std::chrono::milliseconds(reader.number_as<std::int64_t>()));
  message.content_type = reader.text();
  message.text = reader.text();
  message.is_cut = reader.flag();
  message.author = reader.text();
  const bool is_known = state <= static_cast<std::uint64_t>(MessageState::displayed);
  if (!reader.ok() || !is_known || message.number == 0 || message.change < message.number)
    return std::nullopt;
  return message;
}

std::string encode_head(bool is_kept, std::uint64_t forgotten, const std::vector<MessageErasure>& erasures) {
  store::RecordWriter writer;
  writer.flag(is_kept).number(forgotten).number(erasures.size());
  for (const MessageErasure& each : erasures) writer.number(each.change).text(each.with).number(each.number);
  return writer.finish();
}

bool decode_head(std::string_view value, Box& box) {
  store::RecordReader reader(value);
  const bool is_kept = reader.flag();
  const std::uint64_t forgotten = reader.number();
  std::vector<MessageErasure> erasures;
  for (std::uint64_t left = reader.number(); left > 0 && reader.ok(); --left) {
    MessageErasure each{.change = reader.number()};
    each.with = reader.text();
    each.number = reader.number();
    erasures.push_back(std::move(each));
  }
  if (!reader.ok()) return false;
  box.is_kept = is_kept;
  box.forgotten = forgotten;
  box.erasures = std::move(erasures);
  box.newest = std::max(box.newest, forgotten);
  if (!box.erasures.empty()) box.newest = std::max(box.newest, box.erasures.back().change);
  return true;
}

}  // namespace beckon::server::archive
