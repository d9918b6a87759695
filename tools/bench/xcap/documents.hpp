#pragma once

#include <cstdint>
#include <string>

namespace beckon::bench {

/// Presence rules (RFC 5025) with `identities` watchers: half of them allowed, a quarter blocked, a quarter
/// to be confirmed. `apart`: each in a rule of its own, else in three rules. `serial` makes the document
/// another one.
std::string rules_document(std::uint32_t identities, bool apart, std::uint64_t serial);
/// Who is watcher `number` of the rules.
std::string watcher_of_rules(std::uint32_t number);

/// An address book (RFC 4826) of so many contacts with names.
std::string contacts_document(std::uint32_t contacts, std::uint64_t serial);

}  // namespace beckon::bench
