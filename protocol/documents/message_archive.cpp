#include "protocol/documents/message_archive.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "protocol/base/text.hpp"

namespace beckon::documents {

namespace {

namespace json = boost::json;

constexpr std::array message_states{
    std::pair{MessageState::sent, "sent"}, std::pair{MessageState::stored, "stored"},
    std::pair{MessageState::failed, "failed"}, std::pair{MessageState::delivered, "delivered"},
    std::pair{MessageState::displayed, "displayed"}};

std::string text_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  const json::string* text = value ? value->if_string() : nullptr;
  return text ? std::string(*text) : std::string();
}

/// 0 where there is no such number.
std::uint64_t number_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (!value) return 0;
  boost::system::error_code error;
  const auto number = value->to_number<std::uint64_t>(error);
  return error ? 0 : number;
}

bool flag_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  const bool* flag = value ? value->if_bool() : nullptr;
  return flag && *flag;
}

std::optional<ArchivedMessage> read_message(const json::object& object) {
  const auto state = parse_message_state(text_member(object, "state"));
  const std::string direction = text_member(object, "direction");
  const auto time = parse_time(text_member(object, "time"));
  const bool is_sent = direction == to_string(MessageDirection::sent);
  ArchivedMessage message{.number = number_member(object, "number"),
                          .change = number_member(object, "change"),
                          .with = text_member(object, "with"),
                          .id = text_member(object, "id"),
                          .direction = is_sent ? MessageDirection::sent : MessageDirection::received,
                          .content_type = text_member(object, "content_type"),
                          .text = text_member(object, "text"),
                          .is_cut = flag_member(object, "truncated"),
                          .has_text = object.contains("text"),
                          .author = text_member(object, "author")};
  if (message.number == 0 || message.with.empty() || !state || !time) return std::nullopt;
  if (!is_sent && direction != to_string(MessageDirection::received)) return std::nullopt;
  message.change = std::max(message.change, message.number);
  message.state = *state;
  message.time = *time;
  return message;
}

json::object write_message(const ArchivedMessage& message) {
  json::object out{{"number", message.number},
                   {"change", message.change},
                   {"with", message.with},
                   {"id", message.id},
                   {"direction", to_string(message.direction)},
                   {"state", to_string(message.state)},
                   {"time", print_time(message.time)}};
  if (!message.author.empty()) out["author"] = message.author;
  if (!message.has_text) return out;
  out["content_type"] = message.content_type;
  out["text"] = message.text;
  if (message.is_cut) out["truncated"] = true;
  return out;
}

/// The objects in a member that is an array.
template <class Take>
void each_object(const json::object& object, std::string_view name, const Take& take) {
  const json::value* value = object.if_contains(name);
  const json::array* array = value ? value->if_array() : nullptr;
  if (!array) return;
  for (const json::value& each : *array)
    if (const json::object* found = each.if_object()) take(*found);
}

}  // namespace

const char* to_string(MessageDirection value) {
  return value == MessageDirection::sent ? "sent" : "received";
}

const char* to_string(MessageState value) {
  for (const auto& [state, word] : message_states)
    if (state == value) return word;
  return "unknown";
}

std::optional<MessageState> parse_message_state(std::string_view word) {
  for (const auto& [state, text] : message_states)
    if (text == word) return state;
  return std::nullopt;
}

std::string message_id(std::string_view call_id, std::uint32_t cseq) {
  return std::string(call_id) + ':' + std::to_string(cseq);
}

Result<MessageArchive> parse_message_archive(std::string_view body, const MessageArchiveLimits& limits) {
  if (body.size() > limits.octets) return Errc::bad_value;
  boost::system::error_code error;
  const json::value parsed = json::parse(body, error);
  const json::object* root = error ? nullptr : parsed.if_object();
  if (!root || !root->contains("to")) return Errc::wrong_root;
  MessageArchive archive{.from = number_member(*root, "from"),
                         .to = number_member(*root, "to"),
                         .is_complete = !flag_member(*root, "more")};
  const json::value* kept = root->if_contains("kept");
  archive.is_kept = !kept || flag_member(*root, "kept");
  if (archive.from > archive.to) return Errc::bad_value;
  each_object(*root, "messages", [&](const json::object& object) {
    auto message = read_message(object);
    if (message && archive.messages.size() < limits.messages) archive.messages.push_back(std::move(*message));
  });
  each_object(*root, "erased", [&](const json::object& object) {
    MessageErasure erasure{number_member(object, "change"), text_member(object, "with"),
                           number_member(object, "number")};
    if (erasure.change != 0 && archive.erased.size() < limits.messages)
      archive.erased.push_back(std::move(erasure));
  });
  return archive;
}

std::string print(const MessageArchive& archive) {
  json::object out{{"from", archive.from}, {"to", archive.to}};
  if (!archive.is_complete) out["more"] = true;
  if (!archive.is_kept) out["kept"] = false;
  json::array messages;
  for (const ArchivedMessage& message : archive.messages) messages.push_back(write_message(message));
  out["messages"] = std::move(messages);
  json::array erased;
  for (const MessageErasure& erasure : archive.erased) {
    json::object each{{"change", erasure.change}};
    if (!erasure.with.empty()) each["with"] = erasure.with;
    if (erasure.number != 0) each["number"] = erasure.number;
    erased.push_back(std::move(each));
  }
  if (!erased.empty()) out["erased"] = std::move(erased);
  return json::serialize(out);
}

}  // namespace beckon::documents
