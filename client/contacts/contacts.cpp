#include "client/contacts/contacts.hpp"

#include <memory>
#include <utility>

#include "client/contacts/services.hpp"
#include "protocol/base/text.hpp"
#include "protocol/documents/resource_lists.hpp"
#include "protocol/xcap/target.hpp"

namespace beckon::client::contacts {

using xcap::Editor;

namespace {

/// An address that another user has taken is followed by another one.
constexpr int addresses_max = 4;

int status_of(const ErrorCode& error) {
  if (error == Errc::no_such_contact || error == Errc::no_such_group) return 404;
  return error == Errc::bad_group || error == Errc::not_empty ? 409 : 500;
}

std::string reason_of(const ErrorCode& error) {
  const bool is_ours = status_of(error) != 500;
  return is_ours ? error.message() : "the address book cannot be read: " + error.message();
}

/// "My friends/close" to "my-friends-close", for an address.
std::string slug_of(std::string_view group) {
  std::string slug;
  for (const char c : to_lower(group)) slug += is_alpha(c) || is_digit(c) ? c : '-';
  return slug;
}

}  // namespace

Contacts::Contacts(const account::Account& account, Place place, xcap::Http& http, Random& random)
    : account_(account),
      place_(std::move(place)),
      random_(random),
      book_path_(xcap::Requester::path_of(account, "resource-lists", place_.root)),
      book_(account,
            {.path = book_path_,
             .content_type = std::string(documents::resource_lists_type),
             .name = "the address book"},
            http, random),
      services_(account,
                {.path = xcap::Requester::path_of(account, "rls-services", place_.root),
                 .content_type = std::string(documents::rls_services_type),
                 .name = "the addresses of lists"},
                http, random) {}

void Contacts::list(Listed done) {
  book_.read(
      [done = std::move(done)](int status, const std::string& reason, const std::string& text, Now now) {
        if (status != 200) return done(status, reason, {}, now);
        const auto groups = read_book(text);
        if (!groups) return done(status_of(groups.error()), reason_of(groups.error()), {}, now);
        done(200, {}, *groups, now);
      });
}

void Contacts::edit(std::function<Result<std::string>(const std::string& text)> change, Done done) {
  book_.edit(
      [change = std::move(change)](
          const std::string& text) -> boost::system::result<std::string, Editor::Refusal> {
        auto changed = change(text);
        if (!changed) return Editor::Refusal{status_of(changed.error()), reason_of(changed.error())};
        return std::move(*changed);
      },
      std::move(done));
}

void Contacts::add(std::string uri, std::optional<std::string> name, std::optional<std::string> group,
                   Done done) {
  edit([uri = std::move(uri), name = std::move(name),
        group = std::move(group)](const std::string& text) { return add_contact(text, uri, name, group); },
       std::move(done));
}

void Contacts::remove(std::string uri, std::optional<std::string> group, Done done) {
  edit([uri = std::move(uri),
        group = std::move(group)](const std::string& text) { return remove_contact(text, uri, group); },
       std::move(done));
}

void Contacts::set_group(std::string group, std::optional<std::string> name, Done done) {
  edit([group = std::move(group),
        name = std::move(name)](const std::string& text) { return contacts::set_group(text, group, name); },
       std::move(done));
}

void Contacts::remove_group(std::string group, Done done) {
  edit([group = std::move(group)](const std::string& text) { return contacts::remove_group(text, group); },
       std::move(done));
}

void Contacts::find_service(std::string group, std::string package, Found done) {
  book_.read([this, group = std::move(group), package = std::move(package), done = std::move(done)](
                 int status, const std::string& reason, const std::string& text, Now now) {
    if (status != 200) return done(status, reason, {}, now);
    const auto selector = selector_of(text, group);
    if (!selector) return done(status_of(selector.error()), reason_of(selector.error()), {}, now);
    const std::string reference =
        place_.origin + book_path_ + "/~~/" + beckon::xcap::encode_selector(*selector);
    find_service_of(reference, slug_of(group), package, addresses_max, done);
  });
}

void Contacts::find_service_of(const std::string& reference, const std::string& slug,
                               const std::string& package, int tries_left, Found done) {
  const std::string suffix = tries_left == addresses_max ? "" : "." + to_lower(random_.token(4));
  const auto uri = std::make_shared<std::string>();
  const std::string fresh = "sip:" + account_.user + "." + slug + suffix + "@" + account_.domain;
  services_.edit(
      [uri, fresh, reference, package,
       root = place_.root](const std::string& text) -> boost::system::result<std::string, Editor::Refusal> {
        const auto known = contacts::find_service(text, reference, root, package);
        if (!known)
          return Editor::Refusal{500, "the addresses of lists cannot be read: " + known.error().message()};
        *uri = known->empty() ? fresh : *known;
        if (!known->empty()) return text;
        auto added = add_service(text, fresh, reference);
        if (!added) return Editor::Refusal{409, added.error().message()};
        return std::move(*added);
      },
      [this, uri, reference, slug, package, tries_left, done = std::move(done)](
          int status, const std::string& reason, Now now) {
        if (status == 409 && tries_left > 1)
          return find_service_of(reference, slug, package, tries_left - 1, done);
        done(status, reason, status / 100 == 2 ? *uri : std::string(), now);
      });
}

}  // namespace beckon::client::contacts
