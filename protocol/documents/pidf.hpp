#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/documents/error.hpp"
#include "protocol/xml/document.hpp"

/// Presence documents: RFC 3863 (PIDF) with the data model of RFC 4479. The bodies of application/pidf+xml
/// and application/cpim-pidf+xml read alike. What is not named here is kept and printed back.
namespace beckon::documents {

inline constexpr std::string_view pidf_type = "application/pidf+xml";
inline constexpr std::string_view cpim_pidf_type = "application/cpim-pidf+xml";

/// A human readable remark (RFC 3863 4.1.6).
struct Note {
  std::string text;
  std::string lang;  ///< xml:lang; empty: not said.
  bool operator==(const Note&) const = default;
};

/// How a tuple is reached (RFC 3863 4.1.5).
struct Contact {
  std::string uri;
  /// Thousandths, 0..1000; RFC 3863 allows three decimals. Absent means 0.
  std::optional<std::uint16_t> priority;
  bool operator==(const Contact&) const = default;
};

enum class Basic { open, closed };
const char* to_string(Basic basic);

/// One service of the presentity, in practice one device (RFC 3863 4.1.2).
struct Tuple {
  std::string id;
  std::optional<Basic> basic;                    ///< Absent: not said, or a value we do not know.
  std::vector<xml::Fragment> status_extensions;  ///< In <status>, after <basic>: <direct> lives here.
  std::vector<xml::Fragment> extensions;         ///< In <tuple>, after <status>: RPID, servcaps, ...
  std::optional<Contact> contact;
  std::vector<Note> notes;
  std::string timestamp;  ///< As written (RFC 3339); empty: none. base::parse_time reads it.
  bool operator==(const Tuple&) const = default;
};

/// The human, or one device, of RFC 4479 3.1 and 3.3. A device's <deviceID> is one of the extensions.
struct Component {
  std::string id;
  std::vector<xml::Fragment> extensions;  ///< <rpid:activities> and everything else, as written.
  std::vector<Note> notes;
  std::string timestamp;
  bool operator==(const Component&) const = default;
};
using Person = Component;
using Device = Component;

struct Presence {
  std::string entity;
  std::vector<Tuple> tuples;
  std::vector<Note> notes;
  std::vector<Person> persons;
  std::vector<Device> devices;
  std::vector<xml::Fragment> extensions;  ///< Other children of <presence>.
  bool operator==(const Presence&) const = default;
};

/// Reads a presence document. Order and number of children are not checked: peers send documents that are
/// not schema-valid and work. Errors: those of xml::parse, Errc::wrong_root. A missing id or entity reads
/// as empty.
Result<Presence> parse_pidf(std::string_view body, const xml::Limits& limits = {});
Result<Presence> parse_pidf(const xml::Element& root);
/// The content of a <presence>, or of the <pidf-full> of RFC 5262, which has the same.
Presence read_presence(const xml::Element& root);

/// What a server must know of a published document, without reading the rest: the number of its tuples,
/// persons, devices, notes and other children of <presence>. Errors: Errc::wrong_root; Errc::duplicate_id:
/// two of its tuples, persons and devices carry one id, which is an xs:ID (RFC 3863 4.1.2, RFC 4479 3).
Result<std::size_t> check_pidf(const xml::Element& root);

/// Where one watcher's <grant> goes into a printed document.
struct GrantPlace {
  std::string tuple_id;
  std::size_t offset = 0;  ///< In octets; the grant is inserted before the octet there.
  bool operator==(const GrantPlace&) const = default;
};

struct PrintedPresence {
  std::string text;
  std::vector<GrantPlace> grants;  ///< One for each <direct>, in order of their offset.
};

/// Schema-valid if ids and entity are set and the kept elements stand where the schema lets them.
std::string print(const Presence& presence);
/// The same text, with the places before the end tag of each <direct>.
PrintedPresence print_with_grant_places(const Presence& presence);

/// Local names of the activities a person has now (RFC 4480 3.2), e.g. "busy", "on-the-phone". An
/// <activities> without any gives none. An <other> whose text we know (rpid.hpp) has that as its name.
std::vector<std::string> activities(const Person& person);
/// An <rpid:activities> with these names; what RPID does not name is printed as <rpid:other>.
xml::Fragment make_activities(const std::vector<std::string>& names);

}  // namespace beckon::documents
