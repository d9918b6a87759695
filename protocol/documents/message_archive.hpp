#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/base/time.hpp"
#include "protocol/documents/error.hpp"

/// What a server keeps of the messages of a user: a document of our own, which that user alone may read.
/// JSON, since a text may have characters that XML has not.
namespace beckon::documents {

inline constexpr std::string_view message_archive_type = "application/vnd.beckon.messages+json";

enum class MessageDirection : std::uint8_t { received, sent };
const char* to_string(MessageDirection value);

/// How far a message has come; it never goes back. Values are stable: they stand in stores.
enum class MessageState : std::uint8_t {
  sent = 0,       ///< On its way.
  stored = 1,     ///< It waits for a device of the recipient.
  failed = 2,     ///< It will not be delivered.
  delivered = 3,  ///< A device has it.
  displayed = 4,  ///< The recipient has seen it.
};
const char* to_string(MessageState value);
std::optional<MessageState> parse_message_state(std::string_view word);

struct ArchivedMessage {
  std::uint64_t number = 0;  ///< Its name in the archive; the later of two messages has the larger one.
  std::uint64_t change = 0;  ///< When it last changed, counted as `number` is; `number` where it never did.
  std::string with{};        ///< The AOR of the other side.
  std::string id{};          ///< Of the message, as both sides know it.
  MessageDirection direction = MessageDirection::received;
  MessageState state = MessageState::sent;
  WallTime time{};             ///< To the second in the document.
  std::string content_type{};  ///< "text/plain"
  std::string text{};
  bool is_cut = false;   ///< The text was longer.
  bool has_text = true;  ///< False: only what changes is said; whoever has the message has its text.
  std::string author{};  ///< The AOR of who wrote it, where `with` is a room; else empty.
  bool operator==(const ArchivedMessage&) const = default;
};

/// The name of a message that carries none of its own (RFC 5438 6.3): its Call-ID and the number of its CSeq.
std::string message_id(std::string_view call_id, std::uint32_t cseq);

/// Messages that were erased: one, or those with an AOR, or all there were.
struct MessageErasure {
  std::uint64_t change = 0;  ///< What has a smaller `number` is meant.
  std::string with{};        ///< Empty: of everybody.
  std::uint64_t number = 0;  ///< 0: not only one.
  bool operator==(const MessageErasure&) const = default;
};

/// A part of an archive: a page of its messages, or what changed in it.
struct MessageArchive {
  /// Of changes: all after `from`, up to `to`. A reader that knows less than `from` has missed some; `from` 0
  /// means that the whole archive follows, and what is not in it is gone. Of a page: `from` is 0.
  std::uint64_t from = 0;
  std::uint64_t to = 0;                     ///< The newest change that counts here.
  bool is_complete = true;                  ///< Else there is more of what was asked for.
  bool is_kept = true;                      ///< Else nothing new comes into the archive.
  std::vector<ArchivedMessage> messages{};  ///< Of changes by rising `change`, else by rising `number`.
  std::vector<MessageErasure> erased{};
  bool operator==(const MessageArchive&) const = default;
};

/// Octets and messages that a document may have.
struct MessageArchiveLimits {
  std::size_t octets = 4 << 20;
  std::size_t messages = 16384;
};

/// Unknown members are not looked at; a message or erasure that lacks something or has a word we do not know
/// is left out. Errors: Errc::wrong_root: no such JSON; Errc::bad_value: past the limits, or no numbers.
Result<MessageArchive> parse_message_archive(std::string_view body, const MessageArchiveLimits& limits = {});
std::string print(const MessageArchive& archive);

}  // namespace beckon::documents
