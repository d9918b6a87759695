#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/documents/error.hpp"
#include "protocol/xml/document.hpp"

/// Instant message disposition notifications (RFC 5438 11): what became of a message.
namespace beckon::documents {

inline constexpr std::string_view imdn_type = "message/imdn+xml";
/// The Content-Disposition of a notification inside message/cpim (RFC 5438 7.2.1).
inline constexpr std::string_view imdn_disposition = "notification";

struct Imdn {
  enum class Kind { delivery, display, processing };
  enum class Status {
    delivered,  ///< Of a delivery.
    failed,     ///< Of a delivery.
    displayed,  ///< Of a display.
    processed,  ///< Of a processing.
    stored,     ///< Of a processing.
    forbidden,  ///< Of any: the sender may not know.
    error,      ///< Of any: not known.
  };
  std::string message_id{};  ///< Of the message that was sent.
  std::string date_time{};   ///< Of that message, as its sender wrote it; empty: not said.
  std::string recipient{}, original_recipient{};  ///< URIs; empty: not said.
  std::string subject{};
  Kind kind = Kind::delivery;
  Status status = Status::delivered;
  std::vector<xml::Fragment> extensions{};  ///< Of the root.
  bool operator==(const Imdn&) const = default;
};
const char* to_string(Imdn::Kind kind);
const char* to_string(Imdn::Status status);

/// COMPAT: elements in any order, and without `<datetime>`. Errors: those of xml::parse, Errc::wrong_root,
/// Errc::bad_structure: no message-id or no notification; Errc::bad_value: a message-id longer than
/// `cpim_message_id_max`, or no status that this kind of notification has.
Result<Imdn> parse_imdn(std::string_view body, const xml::Limits& limits = {});
/// Notifications in one message (RFC 5438 8.3).
inline constexpr std::size_t imdns_max = 64;
/// Is a body of that type a notification, or several in a multipart?
bool is_imdn(std::string_view content_type, std::string_view body);
/// Those of them that can be read: of more than `imdns_max` none.
std::vector<Imdn> parse_imdns(std::string_view content_type, std::string_view body);
/// A recipient or a subject is printed with both recipients, as the schema has it.
std::string print(const Imdn& imdn);

}  // namespace beckon::documents
