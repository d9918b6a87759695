#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/xcap/exchange.hpp"
#include "protocol/xcap/schema.hpp"
#include "protocol/xcap/target.hpp"
#include "protocol/xml/document.hpp"

namespace beckon::xcap {

/// Octets of a document: it is read several times with each change of a part, and an address book of a
/// thousand entries has half of that.
inline constexpr std::size_t document_octets = 256U << 10;

/// Whose document is checked, and what only a server knows.
struct Setting {
  std::string owner{};  ///< Canonical AOR.
  /// The canonical AOR of a SIP URI or of an XUI; empty: it is none.
  std::function<std::string(std::string_view uri)> canonical{};
  std::function<bool(std::string_view domain)> serves{};
  std::size_t octets_max = document_octets;
};

/// One application usage (RFC 4825 5): a kind of document users keep on the server.
struct Usage {
  std::string_view auid;
  std::string_view canonical;  ///< Where aliases meet: both names reach one document.
  std::string_view content_type;
  std::string_view ns;         ///< Default document namespace.
  bool is_made = false;        ///< The server makes its document when it is read; nobody writes it.
  bool is_single = false;      ///< A user has one document, "index".
  std::string_view root_ns{};  ///< The root element.
  std::string_view root{};
  /// What must hold besides the schema.
  std::optional<Problem> (*check)(const xml::Document& document, const Setting& setting) = nullptr;
};

/// The usage of `documents::WatchLog`.
inline constexpr std::string_view watch_log_auid = "beckon.watch-log";
/// Presence documents that show a user while no device says anything (RFC 4827).
inline constexpr std::string_view hard_state_auid = "pidf-manipulation";
inline constexpr std::string_view rls_services_auid = "rls-services";
/// Lists the documents of a user (OMA XML Document Management 6.2).
inline constexpr std::string_view directory_auid = "org.openmobilealliance.xcap-directory";
inline constexpr std::string_view directory_document = "directory.xml";

/// What we know: pres-rules (RFC 5025 9) and org.openmobilealliance.pres-rules, which OMA clients use for the
/// same document; resource-lists and rls-services (RFC 4826); pidf-manipulation (RFC 4827); and what the
/// server makes: the directory, and a usage of our own.
std::span<const Usage> usages();
const Usage* find_usage(std::string_view auid);

/// The schemas of all usages together: a document may have elements of another's where its schema allows.
const schema::Schemas& schemas();

/// 415 where a request's Content-Type is not `expected`.
std::optional<Problem> check_type(std::string_view content_type, std::string_view expected);
/// Checks a document (RFC 4825 8.2.5). Nullopt: it may be stored.
std::optional<Problem> validate(const Usage& usage, std::string_view text, const Setting& setting);

/// A service of an rls-services document.
struct ServiceUri {
  std::string uri;    ///< Canonical AOR; empty: it is none.
  std::string field;  ///< Of `Problem::Exists`.
  std::string text;   ///< The <service>, which stands alone.
};
/// The services of an rls-services document; none of another one.
std::vector<ServiceUri> service_uris(const xml::Document& document, const Setting& setting);
/// The document that has these services (RFC 4826 4.4.7, 4.4.8).
std::string print_services(const std::vector<std::string>& services);

/// One document of a user.
struct DirectoryEntry {
  std::string auid;  ///< Canonical name of the usage.
  std::string uri;
  std::string etag;
  std::size_t size = 0;  ///< Octets.
};
/// The directory of what a user has: a folder for each usage.
std::string print_directory(const std::vector<DirectoryEntry>& entries);

/// The server capabilities document (RFC 4825 12), at xcap-caps/global/index.
std::string print_capabilities();
inline constexpr std::string_view caps_auid = "xcap-caps";
inline constexpr std::string_view caps_type = "application/xcap-caps+xml";
inline constexpr std::string_view caps_ns = "urn:ietf:params:xml:ns:xcap-caps";

}  // namespace beckon::xcap
