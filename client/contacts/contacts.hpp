#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/contacts/address_book.hpp"
#include "client/xcap/editor.hpp"

namespace beckon::client::contacts {

/// The account's address book on the server, and the addresses under which its groups are watched.
class Contacts {
 public:
  /// A status of HTTP's as of `xcap::Editor`; 404 for a contact or a group that there is not.
  using Done = xcap::Editor::Done;
  using Listed = xcap::Requester::Read<std::vector<Group>>;
  /// `uri` is a canonical AOR; empty unless the status is a 2xx.
  using Found = std::function<void(int status, const std::string& reason, const std::string& uri, Now now)>;

  /// Where XCAP is: "https://example.org:5443" and "/xcap". `account` outlives it.
  struct Place {
    std::string origin, root;
  };
  Contacts(const account::Account& account, Place place, xcap::Http& http, Random& random);

  void list(Listed done);
  void add(std::string uri, std::optional<std::string> name, std::optional<std::string> group, Done done);
  void remove(std::string uri, std::optional<std::string> group, Done done);
  void set_group(std::string group, std::optional<std::string> name, Done done);
  void remove_group(std::string group, Done done);

  /// The address of the service (RFC 4826 4) that stands for a group in `package`; it is made if there is
  /// none.
  void find_service(std::string group, std::string package, Found done);

 private:
  void edit(std::function<Result<std::string>(const std::string& text)> change, Done done);
  void find_service_of(const std::string& reference, const std::string& slug, const std::string& package,
                       int tries_left, Found done);

  const account::Account& account_;
  Place place_;
  Random& random_;
  std::string book_path_;
  xcap::Editor book_, services_;
};

}  // namespace beckon::client::contacts
