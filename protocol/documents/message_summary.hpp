#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/documents/error.hpp"

/// Message summaries (RFC 3842): what waits in a user's mailbox.
namespace beckon::documents {

inline constexpr std::string_view message_summary_type = "application/simple-message-summary";

/// New and old messages.
struct MessageCount {
  std::uint32_t fresh = 0;
  std::uint32_t old = 0;
  bool operator==(const MessageCount&) const = default;
};

/// The messages of one message-context-class (RFC 3458 6.2).
struct MessageClass {
  std::string name{};  ///< Lower case: "voice-message", "fax-message", "text-message"...
  MessageCount all{};
  std::optional<MessageCount> urgent{};
  bool operator==(const MessageClass&) const = default;
};

/// Headers of one new message, names with their values.
using MessageHeaders = std::vector<std::pair<std::string, std::string>>;

struct MessageSummary {
  bool waiting = false;
  std::string account{};  ///< A URI without angle brackets; empty: not said.
  std::vector<MessageClass> classes{};
  /// Of messages that are new since the last notification; never in the first one (RFC 3842 3.5).
  std::vector<MessageHeaders> messages{};
  bool operator==(const MessageSummary&) const = default;
};

/// Most lines that a body may have. A mailbox has few classes; headers of new messages may be many.
inline constexpr std::size_t message_summary_lines = 1024;

/// Names are read without regard to case, a larger number as 2^32-1 (RFC 3842 3.5), and a status that stands
/// after other lines, too. Left out: a summary line we cannot read. Errors: Errc::bad_structure: no
/// Messages-Waiting, or too many lines; Errc::bad_value: its value is neither yes nor no.
Result<MessageSummary> parse_message_summary(std::string_view body);
std::string print(const MessageSummary& summary);

/// Adds what waits in another mailbox of the same user. Classes of one name are one; no count is above 2^32-1
/// (RFC 3842 3.5).
void add(MessageSummary& sum, MessageSummary more);

}  // namespace beckon::documents
