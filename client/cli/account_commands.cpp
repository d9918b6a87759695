#include "client/cli/account_commands.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <iostream>

#include "client/account/account.hpp"
#include "client/cli/password.hpp"
#include "client/control/cause.hpp"
#include "client/control/shell_commands.hpp"
#include "protocol/base/columns.hpp"
#include "protocol/base/text.hpp"
#include "protocol/invitation/invitation.hpp"

namespace beckon::client::cli {
namespace {

using accounts::Entry;
using accounts::Outcome;
using accounts::Problem;
using Words = std::span<const std::string>;

/// What was done, for people.
using Said = Outcome<std::string>;

Entry to_entry(const invitation::Invitation& link) {
  return {.account = link.account, .server = link.server, .xcap = link.xcap, .certificate = link.certificate};
}

Said store(const AccountFile& file, Entry entry, const std::string& password) {
  const auto read = account::parse_account(entry.account);
  if (!read) return Problem{"not an address such as alice@example.org: " + entry.account};
  entry.account = read->user + "@" + to_lower(read->domain);
  const auto text = file.text();
  if (!text) return text.error();
  const auto changed = accounts::put(*text, entry);
  if (!changed) return Problem{file.path().string() + ": " + changed.error().text};
  // The password first: an account without one would ask for it.
  if (!password.empty()) {
    if (const auto stored = file.write_password(entry.account, password); !stored) return stored.error();
  }
  if (const auto written = file.write(*changed); !written) return written.error();
  const auto all = accounts::parse(*changed);
  const bool standard = all && all->standard == entry.account;
  return accounts::good(fmt::format("{} is added{}\n", entry.account,
                                    standard
                                        ? ", and is the default: beckon runs as this account"
                                        : "; beckon --account " + entry.account + " runs as this account"));
}

Said add(Words words, const Entry& given, const AccountFile& file) {
  if (words.size() > 1) return Problem{"account add takes one link or one address"};
  // A link holds the password: at the prompt no history keeps it.
  const std::string what = !words.empty() ? words[0] : prompt_hidden("Invitation (beckon:...): ");
  const auto link = invitation::parse_link(what);
  if (link) return store(file, to_entry(*link), link->password);
  if (link.error() != invitation::Errc::not_a_link) return Problem{link.error().message()};
  if (what.find('@') == std::string::npos)
    return Problem{
        "account add takes an invitation, \"beckon:...\", or an address such as alice@example.org"};
  Entry entry = given;
  entry.account = what.starts_with("sip:") ? what.substr(4) : what;
  auto password = find_password({}, entry.account);
  if (!password) return password.error();
  return store(file, std::move(entry), *password);
}

/// For programs; what is not said is not there. The password is never part of it.
std::string print_entry(const Entry& entry, bool is_default) {
  boost::json::object line{{"account", entry.account}, {"default", is_default}};
  const auto add_text = [&line](const char* name, const std::string& value) {
    if (!value.empty()) line[name] = value;
  };
  add_text("server", entry.server);
  add_text("xcap", entry.xcap);
  add_text("certificate", entry.certificate);
  add_text("ca", entry.ca);
  add_text("password_file", entry.password_file);
  return boost::json::serialize(line) + '\n';
}

Said list(Words words, bool json, const AccountFile& file) {
  if (!words.empty()) return Problem{"account list takes no arguments"};
  const auto all = file.read();
  if (!all) return all.error();
  if (json) {
    std::string lines;
    for (const Entry& each : all->entries) lines += print_entry(each, each.account == all->standard);
    return accounts::good(lines);
  }
  if (all->entries.empty()) return accounts::good("no accounts; \"beckon account add LINK\" adds one\n");
  std::size_t width = 0;
  for (const Entry& each : all->entries) width = std::max(width, columns(each.account));
  std::string out;
  for (const Entry& each : all->entries) {
    const bool standard = each.account == all->standard;
    out +=
        fmt::format("{}  {}{}\n", pad(each.account, width),
                    each.server.empty() ? "located by its domain" : each.server, standard ? "  default" : "");
  }
  return accounts::good(out);
}

/// The account that is named by the only word.
Outcome<Entry> named(Words words, std::string_view verb, const AccountFile& file) {
  if (words.size() != 1) return Problem{fmt::format("account {} takes one account", verb)};
  const auto all = file.read();
  if (!all) return all.error();
  auto found = accounts::find(*all, words[0]);
  if (!found) return found.error();
  if (!*found)
    return Problem{"no such account: " + words[0] + "; \"beckon account list\" shows those there are"};
  return **found;
}

Said change(const AccountFile& file, const Outcome<std::string>& changed, std::string done) {
  if (!changed) return Problem{file.path().string() + ": " + changed.error().text};
  if (const auto written = file.write(*changed); !written) return written.error();
  return accounts::good(std::move(done));
}

Said remove(Words words, const AccountFile& file) {
  const auto entry = named(words, "remove", file);
  if (!entry) return entry.error();
  const auto text = file.text();
  if (!text) return text.error();
  auto said = change(file, accounts::remove(*text, entry->account), entry->account + " is removed\n");
  if (said) file.remove_password(entry->account);
  return said;
}

Said set_default(Words words, const AccountFile& file) {
  const auto entry = named(words, "default", file);
  if (!entry) return entry.error();
  const auto text = file.text();
  if (!text) return text.error();
  return change(file, accounts::set_default(*text, entry->account), entry->account + " is the default\n");
}

Said run(Words words, const Entry& given, bool json, const AccountFile& file) {
  const std::string verb = words.size() > 1 ? words[1] : "";
  const Words rest = words.subspan(std::min<std::size_t>(words.size(), 2));
  if (verb == "add") return add(rest, given, file);
  if (verb == "list") return list(rest, json, file);
  if (verb == "remove") return remove(rest, file);
  if (verb == "default") return set_default(rest, file);
  return Problem{(verb.empty() ? "account needs one of these:\n" : "there is no account " + verb + ":\n") +
                 control::print_shell_help("account")};
}

}  // namespace

int run_account_command(Words words, const Entry& given, bool json, const AccountFile& file) {
  const auto said = run(words, given, json, file);
  if (said) {
    std::cout << *said;
    return 0;
  }
  std::cerr << "beckon: " << said.error().text << (said.error().text.ends_with('\n') ? "" : "\n");
  return static_cast<int>(control::Cause::usage);
}

}  // namespace beckon::client::cli
