#include "client/accounts/accounts.hpp"

#include <fmt/format.h>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/invitation/invitation.hpp"

namespace beckon::client::accounts {
namespace {

struct Key {
  std::string_view name;
  std::string Entry::* place;
};
constexpr std::array keys{Key{"server", &Entry::server}, Key{"xcap", &Entry::xcap},
                          Key{"certificate", &Entry::certificate}, Key{"ca", &Entry::ca},
                          Key{"password_file", &Entry::password_file}};

/// A new file begins with this.
constexpr std::string_view preface =
    "# The accounts of beckon. \"beckon account add\" writes them; whoever edits this file by hand may do "
    "so.\n"
    "# Passwords are not here: each has a file of its own, which only its owner can read.\n";

std::string where(const toml::node& node) { return fmt::format("line {}", node.source().begin.line); }

bool is_address(std::string_view text) {
  const auto [user, domain] = cut(text, '@');
  return !user.empty() && !domain.empty();
}

/// Addresses differ only by the case of their domain.
bool is_same(std::string_view one, std::string_view other) {
  const auto [user, domain] = cut(one, '@');
  const auto [other_user, other_domain] = cut(other, '@');
  return user == other_user && iequals(domain, other_domain);
}

Outcome<Entry> read_entry(std::string_view account, const toml::node& node) {
  const toml::table* table = node.as_table();
  if (!table) return Problem{where(node) + ": write [account.\"alice@example.org\"], with its keys below"};
  if (!is_address(account))
    return Problem{fmt::format("{}: \"{}\" is no address such as alice@example.org", where(node), account)};
  Entry entry{.account = std::string(account)};
  for (const auto& [name, value] : *table) {
    const auto known = std::ranges::find(keys, name.str(), &Key::name);
    if (known == keys.end()) {
      std::string all;
      for (const Key& each : keys) all.append(all.empty() ? "" : ", ").append(each.name);
      return Problem{
          fmt::format("{}: there is no key \"{}\"; an account has {}", where(value), name.str(), all)};
    }
    const auto text = value.value_exact<std::string>();
    if (!text) return Problem{fmt::format("{}: {} is a text in quotation marks", where(value), name.str())};
    entry.*known->place = *text;
  }
  if (entry.certificate.empty()) return entry;
  const auto fingerprint = invitation::parse_fingerprint(entry.certificate);
  if (!fingerprint) return Problem{where(node) + ": certificate is \"sha256:\" and 64 hexadecimal digits"};
  entry.certificate = *fingerprint;
  return entry;
}

/// The text in lines without their ends.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string join(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

bool is_header(std::string_view line) { return trim(line).starts_with('['); }
bool is_comment(std::string_view line) { return trim(line).starts_with('#'); }

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::vector<std::string> print(const Entry& entry) {
  std::vector<std::string> lines{"[account." + quote(entry.account) + "]"};
  for (const Key& key : keys) {
    const std::string& value = entry.*key.place;
    if (!value.empty()) lines.push_back(std::string(key.name) + " = " + quote(value));
  }
  return lines;
}

/// A text, what it says, and where; to change the lines of one thing.
class Editor {
 public:
  explicit Editor(std::string_view text) : lines_(lines_of(text)) {
    auto parsed = toml::parse(text);
    if (parsed) table_ = std::move(parsed).table();
  }

  /// Takes the lines of that account out, and gives the place; nothing where there is none. Of what was
  /// written among them, the comments are kept in `comments`.
  std::optional<std::size_t> take(std::string_view account, std::vector<std::string>& comments) {
    const toml::table* all = table_["account"].as_table();
    if (!all) return std::nullopt;
    for (const auto& [name, node] : *all) {
      if (!is_same(name.str(), account)) continue;
      const std::size_t begin = node.source().begin.line - 1;
      std::size_t end = begin + 1;
      while (end < lines_.size() && !is_header(lines_[end])) ++end;
      // A comment right above the next account is about that one.
      while (end < lines_.size() && end > begin + 1 && is_comment(lines_[end - 1])) --end;
      while (end > begin + 1 && trim(lines_[end - 1]).empty()) --end;
      std::copy_if(at(begin), at(end), std::back_inserter(comments), is_comment);
      lines_.erase(at(begin), at(end));
      return begin;
    }
    return std::nullopt;
  }

  void insert(std::size_t place, const std::vector<std::string>& lines) {
    lines_.insert(at(place), lines.begin(), lines.end());
  }
  void append(const std::vector<std::string>& lines) {
    if (!lines_.empty() && !trim(lines_.back()).empty()) lines_.emplace_back();
    lines_.insert(lines_.end(), lines.begin(), lines.end());
  }

  /// Empty: no default any more. To be called first: it goes by the lines as they were read.
  void set_default(std::string_view account) {
    const toml::node* node = table_.get("default");
    const std::string line = "default = " + quote(account);
    if (node && account.empty()) {
      lines_.erase(at(node->source().begin.line - 1));
    } else if (node) {
      lines_[node->source().begin.line - 1] = line;
    } else if (!account.empty()) {
      auto place = std::find_if(lines_.begin(), lines_.end(), is_header);
      // Above the first account and its comment; without one, below all.
      const bool has_account = place != lines_.end();
      while (has_account && place != lines_.begin() && is_comment(*std::prev(place))) --place;
      lines_.insert(place, {line, ""});
    }
  }

  std::string text() const { return join(lines_); }

 private:
  std::vector<std::string>::iterator at(std::size_t line) {
    return lines_.begin() + static_cast<std::ptrdiff_t>(std::min(line, lines_.size()));
  }

  std::vector<std::string> lines_;
  toml::table table_;
};

/// The edited text, if it says what it should.
Outcome<std::string> checked(const std::string& text, Accounts expected) {
  const auto by_address = [](const Entry& one, const Entry& other) { return one.account < other.account; };
  auto now = parse(text);
  if (now) {
    std::ranges::sort(now->entries, by_address);
    std::ranges::sort(expected.entries, by_address);
    if (*now == expected) return good(text);
  }
  return Problem{
      "this file is written in a way that beckon cannot change without losing something: edit it by hand"};
}

}  // namespace

Outcome<Accounts> parse(std::string_view text) {
  const auto parsed = toml::parse(text);
  if (!parsed) {
    const auto& begin = parsed.error().source().begin;
    return Problem{
        fmt::format("line {}, column {}: {}", begin.line, begin.column, parsed.error().description())};
  }
  std::vector<std::pair<std::size_t, Entry>> found;
  Accounts accounts;
  for (const auto& [name, node] : parsed.table()) {
    if (name.str() == "default") {
      const auto standard = node.value_exact<std::string>();
      if (!standard) return Problem{where(node) + ": default is the address of an account"};
      accounts.standard = *standard;
      continue;
    }
    const toml::table* all = node.as_table();
    if (name.str() != "account" || !all)
      return Problem{fmt::format("{}: there is no key \"{}\"; there are default and [account.\"...\"]",
                                 where(node), name.str())};
    for (const auto& [account, value] : *all) {
      auto entry = read_entry(account.str(), value);
      if (!entry) return entry.error();
      found.emplace_back(value.source().begin.line, std::move(*entry));
    }
  }
  std::ranges::sort(found, {}, [](const auto& each) { return std::pair(each.first, each.second.account); });
  for (auto& each : found) accounts.entries.push_back(std::move(each.second));
  const auto is_standard = [&](const Entry& each) { return is_same(each.account, accounts.standard); };
  if (!accounts.standard.empty() && std::ranges::none_of(accounts.entries, is_standard))
    return Problem{"default names no account of this file: " + accounts.standard};
  return accounts;
}

Outcome<std::optional<Entry>> find(const Accounts& accounts, std::string_view name) {
  if (name.starts_with("sip:")) name.remove_prefix(4);
  if (name.empty()) name = accounts.standard;
  const auto& all = accounts.entries;
  if (name.empty() && all.size() > 1)
    return Problem{"which account? Name one with --account, or for all times: beckon account default NAME"};
  if (name.empty()) return all.empty() ? std::nullopt : std::optional(all.front());
  const bool whole = name.find('@') != std::string_view::npos;
  const Entry* found = nullptr;
  for (const Entry& each : all) {
    if (whole ? !is_same(each.account, name) : cut(each.account, '@').first != name) continue;
    if (found)
      return Problem{fmt::format("which {}? There are {} and {}", name, found->account, each.account)};
    found = &each;
  }
  if (found) return std::optional(*found);
  if (whole) return std::optional<Entry>();
  return Problem{
      fmt::format("no account of that name: {}; \"beckon account list\" shows those there are", name)};
}

Outcome<std::string> put(std::string_view text, const Entry& entry) {
  auto expected = parse(text);
  if (!expected) return expected.error();
  Editor editor(text.empty() ? preface : text);
  auto& all = expected->entries;
  if (all.empty()) {
    editor.set_default(entry.account);
    expected->standard = entry.account;
    editor.append(print(entry));
  } else {
    std::vector<std::string> lines = print(entry), comments;
    const auto place = editor.take(entry.account, comments);
    lines.insert(lines.begin() + 1, comments.begin(), comments.end());
    place ? editor.insert(*place, lines) : editor.append(lines);
  }
  std::erase_if(all, [&](const Entry& each) { return is_same(each.account, entry.account); });
  all.push_back(entry);
  return checked(editor.text(), std::move(*expected));
}

Outcome<std::string> remove(std::string_view text, std::string_view account) {
  auto expected = parse(text);
  if (!expected) return expected.error();
  Editor editor(text);
  std::vector<std::string> comments;
  // The lines of the account stand below that of the default.
  if (!editor.take(account, comments)) return Problem{"no such account: " + std::string(account)};
  if (is_same(expected->standard, account)) {
    editor.set_default({});
    expected->standard.clear();
  }
  std::erase_if(expected->entries, [&](const Entry& each) { return is_same(each.account, account); });
  return checked(editor.text(), std::move(*expected));
}

Outcome<std::string> set_default(std::string_view text, std::string_view account) {
  auto expected = parse(text);
  if (!expected) return expected.error();
  Editor editor(text);
  editor.set_default(account);
  expected->standard = account;
  return checked(editor.text(), std::move(*expected));
}

}  // namespace beckon::client::accounts
