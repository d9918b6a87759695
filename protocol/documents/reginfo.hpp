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

/// Registration information documents (RFC 3680), with the GRUUs of RFC 5628.
namespace beckon::documents {

inline constexpr std::string_view reginfo_type = "application/reginfo+xml";

/// Figure 1 of RFC 3680 4.7.1.
enum class RegistrationState { init, active, terminated };
/// Figure 2 of RFC 3680 4.7.1: the state of one contact, and the event that led there.
enum class ContactState { active, terminated };
enum class ContactEvent {
  registered,
  created,
  refreshed,
  shortened,
  expired,
  deactivated,
  probation,
  unregistered,
  rejected
};
const char* to_string(RegistrationState state);
const char* to_string(ContactState state);
const char* to_string(ContactEvent event);

/// The latest temporary GRUU of a contact's device. Earlier ones are as valid, back to that of the REGISTER
/// with `first_cseq` and the contact's Call-ID (RFC 5628).
struct TemporaryGruuInfo {
  std::string uri{};
  std::optional<std::uint64_t> first_cseq{};
  bool operator==(const TemporaryGruuInfo&) const = default;
};

struct RegisteredContact {
  std::string id{};  ///< Unique in the subscription's documents, stable while the contact is registered.
  std::string uri{};
  ContactState state = ContactState::active;
  ContactEvent event = ContactEvent::registered;
  std::string display_name{};
  std::optional<std::uint64_t> expires_seconds{};
  std::optional<std::uint64_t> retry_after_seconds{};
  std::optional<std::uint64_t> registered_seconds{};  ///< duration-registered
  std::string q{};                                    ///< "0.8"; empty: not said.
  std::string call_id{};
  std::optional<std::uint64_t> cseq{};
  /// Contact parameters that RFC 3261 does not define, names with their values without quotes.
  std::vector<std::pair<std::string, std::string>> unknown_parameters{};
  std::string public_gruu{};           ///< Empty: none.
  TemporaryGruuInfo temporary_gruu{};  ///< Without URI: none.
  std::vector<xml::Fragment> extensions{};
  bool operator==(const RegisteredContact&) const = default;
};

struct Registration {
  std::string aor{};
  std::string id{};
  RegistrationState state = RegistrationState::init;
  std::vector<RegisteredContact> contacts{};
  std::vector<xml::Fragment> extensions{};
  bool operator==(const Registration&) const = default;
};

struct RegistrationInfo {
  enum class State { full, partial };
  std::uint32_t version = 0;
  State state = State::full;
  std::vector<Registration> registrations{};
  std::vector<xml::Fragment> extensions{};
  bool operator==(const RegistrationInfo&) const = default;
};

/// Errors: those of xml::parse, Errc::wrong_root, Errc::missing_attribute, Errc::bad_value (version, state).
/// A registration or contact without id, or with a state or event we do not know, is left out.
Result<RegistrationInfo> parse_reginfo(std::string_view body, const xml::Limits& limits = {});
std::string print(const RegistrationInfo& info);

/// `known` after the document `news` of the same subscription: a full one takes its place, a partial one
/// changes the registrations and contacts that it has, one that is old changes nothing. Contacts that had
/// ended go with the next document. False: a document is missing in between, nothing has changed, and the
/// subscription has to be refreshed (RFC 3680 5.1).
bool merge(RegistrationInfo& known, const RegistrationInfo& news);

}  // namespace beckon::documents
