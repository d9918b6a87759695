#pragma once

#include <string_view>

/// What an XML schema lets an attribute or a text be. Peers send what it does not, and a document with that
/// is refused by strict readers.
namespace beckon::documents {

/// xs:ID without white space around it: an NCName of XML 1.0.
bool is_xs_id(std::string_view text);
/// xs:dateTime, with or without a zone: "2026-11-21T04:00:00.5+09:00".
bool is_xs_date_time(std::string_view text);
/// xs:language: "en", "de-AT".
bool is_xs_language(std::string_view text);
/// xs:anyURI without white space around it: a URI reference (RFC 3986 4.1) where characters that a URI cannot
/// have count as escaped. Empty, too.
bool is_xs_any_uri(std::string_view text);

}  // namespace beckon::documents
