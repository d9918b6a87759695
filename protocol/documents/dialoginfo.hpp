#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/documents/error.hpp"
#include "protocol/xml/document.hpp"

/// Dialog information documents (RFC 4235): the calls of a user.
namespace beckon::documents {

inline constexpr std::string_view dialoginfo_type = "application/dialog-info+xml";

/// Figure 3 of RFC 4235 3.7.1, in the order in which a dialog goes through them.
enum class DialogState { trying, proceeding, early, confirmed, terminated };
/// What ended it (RFC 4235 4.1.2).
enum class DialogEvent { cancelled, rejected, replaced, local_bye, remote_bye, error, timeout };
/// Who sent the INVITE: the observed user, or the other side.
enum class DialogDirection { initiator, recipient };
const char* to_string(DialogState state);
const char* to_string(DialogEvent event);
const char* to_string(DialogDirection direction);

struct DialogIdentity {
  std::string uri{};
  std::string display{};  ///< Empty: not said.
  bool operator==(const DialogIdentity&) const = default;
};

struct DialogTarget {
  std::string uri{};
  /// Contact parameters without quotes; one without value has "true" (RFC 4235 4.1.6.2).
  std::vector<std::pair<std::string, std::string>> parameters{};
  bool operator==(const DialogTarget&) const = default;
};

struct SessionDescription {
  std::string type{};  ///< "application/sdp"
  std::string text{};
  bool operator==(const SessionDescription&) const = default;
};

/// One side of a dialog (RFC 4235 4.1.6).
struct DialogParticipant {
  std::optional<DialogIdentity> identity{};
  std::optional<DialogTarget> target{};
  std::optional<SessionDescription> session{};
  std::optional<std::uint64_t> cseq{};
  std::vector<xml::Fragment> extensions{};
  bool operator==(const DialogParticipant&) const = default;
};

/// The dialog that a new one took the place of (RFC 4235 4.1.4).
struct ReplacedDialog {
  std::string call_id{};
  std::string local_tag{};
  std::string remote_tag{};
  bool operator==(const ReplacedDialog&) const = default;
};

struct Dialog {
  std::string id{};  ///< Unique among the user's dialogs; not the Call-ID.
  std::string call_id{};
  std::string local_tag{};
  std::string remote_tag{};
  std::optional<DialogDirection> direction{};
  DialogState state = DialogState::trying;
  std::optional<DialogEvent> event{};
  std::optional<std::uint16_t> code{};  ///< Of the response that led to the state.
  std::optional<std::uint64_t> duration_seconds{};
  std::optional<ReplacedDialog> replaces{};
  std::optional<DialogIdentity> referred_by{};
  std::vector<std::string> route_set{};
  std::optional<DialogParticipant> local{};
  std::optional<DialogParticipant> remote{};
  std::vector<xml::Fragment> extensions{};
  bool operator==(const Dialog&) const = default;
};

struct DialogInfo {
  enum class State { full, partial };
  std::uint32_t version = 0;
  State state = State::full;
  std::string entity{};  ///< The observed user.
  std::vector<Dialog> dialogs{};
  std::vector<xml::Fragment> extensions{};
  bool operator==(const DialogInfo&) const = default;
};

/// Reads what phones send rather than what the schema says: children in any order; a document that does not
/// say so is full, its version 0. A dialog without id, or with a state we do not know, is left out. Kept are
/// elements of other namespaces. Errors: those of xml::parse, Errc::wrong_root, Errc::bad_value (version,
/// state).
Result<DialogInfo> parse_dialoginfo(std::string_view body, const xml::Limits& limits = {});
/// Schema-valid. A display name is printed as `display-name`, as the schema says; the RFC's examples have
/// `display`, which is read likewise.
std::string print(const DialogInfo& info);

/// What a document does not repeat of a dialog is as it was (RFC 4235 4.1.6.1, 4.1.6.2).
void keep_unsaid(Dialog& dialog, const Dialog& before);
/// `known` after the document `news` of the same subscription: a full one takes its place, a partial one
/// changes the dialogs that it has, one that is old changes nothing. Dialogs that had ended go with the next
/// document. False: a document is missing in between, nothing has changed, and the subscription has to be
/// refreshed (RFC 4235 4.3).
bool merge(DialogInfo& known, const DialogInfo& news);

/// An extension of a document that says whether a device of the observed user is registered, in the words of
/// RFC 3680: <registration>, "active" or "init". Those who do not know it see a user without dialogs.
xml::Fragment make_registration(std::string_view aor, bool is_registered);
/// Absent: it is not said.
std::optional<bool> is_registered(const DialogInfo& info);

}  // namespace beckon::documents
