#include "server/admin/names.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "protocol/base/address.hpp"
#include "protocol/base/text.hpp"
#include "server/admin/data_folder.hpp"
#include "server/store/sqlite.hpp"
#include "server/users/user.hpp"

namespace beckon::server::admin {

namespace {

using Users = std::unique_ptr<store::SqliteUsers>;

Users open_users(const std::filesystem::path& data) {
  // Opening would make the file.
  if (!std::filesystem::exists(users_file(data))) return nullptr;
  auto opened = store::SqliteUsers::open(users_file(data));
  return opened ? std::move(*opened) : nullptr;
}

/// Those that have users, and those named at the last start; addresses of the machine are not counted.
std::vector<std::string> domains_of(const std::filesystem::path& data, store::SqliteUsers* users) {
  std::vector<std::string> all;
  if (users != nullptr)
    if (const auto known = users->domains()) all = *known;
  for (const std::string& named : load_domains(data))
    if (std::ranges::find(all, named) == all.end()) all.push_back(named);
  std::erase_if(all, [](const std::string& domain) { return parse_ip(domain).has_value(); });
  return all;
}

}  // namespace

std::variant<Named, std::string> find_name(const std::filesystem::path& data, std::string_view text) {
  const Users users = open_users(data);
  std::string full(text);
  if (text.find('@') == std::string_view::npos) {
    const auto domains = domains_of(data, users.get());
    if (domains.size() != 1) {
      std::string problem = "which " + full + "? ";
      if (domains.empty()) return problem + "Name the domain: " + full + "@example.org";
      problem += "The server serves";
      for (const std::string& domain : domains)
        problem += (&domain == &domains.front() ? " " : ", ") + domain;
      return problem;
    }
    full += '@' + domains.front();
  }
  const auto aor = users::canonical_aor(full);
  if (!aor) return full + ": " + aor.error().message();
  Named named{.aor = *aor};
  if (!users) return named;
  // SIP tells Alice from alice; an administrator seldom does. The exact spelling comes first.
  std::optional<std::string> other_case;
  static_cast<void>(users->each([&](const users::User& user) {
    if (user.aor == *aor) named.is_user = true;
    if (iequals(user.aor, *aor)) other_case = user.aor;
  }));
  if (!named.is_user && other_case) named = {.aor = *other_case, .is_user = true};
  return named;
}

}  // namespace beckon::server::admin
