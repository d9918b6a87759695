#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.hpp"

/// The address book: a document of resource lists (RFC 4826) on the server, which other programs share. Texts
/// in, texts out, pure. Every octet that a change does not name stays as it was written.
///
/// The list `book_name` holds the contacts; a list inside it is a group, as deep as they go. Other lists of
/// the document are groups, too. A group is named by the names of the lists on the way to it, as
/// "friends/close", and looked for in the list `book_name` first. References to other documents (<entry-ref>,
/// <external>) are kept and not followed.
namespace beckon::client::contacts {

inline constexpr std::string_view book_name = "contacts";

enum class Errc {
  no_such_contact = 1,
  no_such_group,
  bad_group,  ///< The name of a group, or one on the way to it, is empty.
  not_empty,  ///< A group that is to be removed has contacts or groups.
};
const char* to_string(Errc value);

struct Contact {
  std::string uri;  ///< A canonical AOR; a URI that has none as it is written.
  std::string name{};
  bool operator==(const Contact&) const = default;
};

struct Group {
  std::string path;  ///< What names it; empty for a list without name, or inside one.
  std::string name{};
  std::vector<Contact> contacts{};
  bool operator==(const Group&) const = default;
};

/// All groups in the order of the document, each before those inside it. Like the functions below it takes an
/// empty text for a book that does not exist yet. Errors of all: those of xml::parse,
/// documents::Errc::wrong_root.
Result<std::vector<Group>> read_book(std::string_view text);

/// Adds a contact; `uri` is a canonical AOR. Without a group one that stands anywhere is there already. A
/// name is set wherever the contact stands. A group that does not exist is made. Error: bad_group.
Result<std::string> add_contact(std::string_view text, const std::string& uri,
                                const std::optional<std::string>& name,
                                const std::optional<std::string>& group);
/// Takes a contact out of a group, or of all. Errors: no_such_contact, no_such_group.
Result<std::string> remove_contact(std::string_view text, const std::string& uri,
                                   const std::optional<std::string>& group);
/// Makes a group, or names it anew. Error: bad_group.
Result<std::string> set_group(std::string_view text, const std::string& group,
                              const std::optional<std::string>& name);
/// Errors: no_such_group, not_empty.
Result<std::string> remove_group(std::string_view text, const std::string& group);

/// The node selector (RFC 4825 6.3) of a group. Errors: no_such_group; bad_group, for a name that no selector
/// can have.
Result<std::string> selector_of(std::string_view text, const std::string& group);

}  // namespace beckon::client::contacts

BECKON_ERROR_ENUM(beckon::client::contacts, Errc, "beckon.client.contacts")
