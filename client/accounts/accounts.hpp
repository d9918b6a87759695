#pragma once

#include <boost/system/result.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The accounts of a person, as the text of accounts.toml has them (README).
namespace beckon::client::accounts {

struct Entry {
  std::string account{};        ///< "alice@example.org"
  std::string server{};         ///< Empty: the domain is located.
  std::string xcap{};           ///< Empty: on the server's host.
  std::string certificate{};    ///< Canonical fingerprint; empty: names and authorities decide.
  std::string ca{};             ///< PEM file; empty: the system's authorities.
  std::string password_file{};  ///< Empty: where `beckon account add` keeps it.
  bool operator==(const Entry&) const = default;
};

struct Accounts {
  std::vector<Entry> entries{};  ///< As they stand in the text.
  std::string standard{};        ///< The default; empty: none is named.
  bool operator==(const Accounts&) const = default;
};

/// One sentence for the person: what is wrong, and where or what to do.
struct Problem {
  std::string text;
};
/// For `Outcome::value`, which tests call.
[[noreturn]] inline void throw_exception_from_error(const Problem& problem, const boost::source_location&) {
  throw std::runtime_error(problem.text);
}
template <class T>
using Outcome = boost::system::result<T, Problem>;
/// A text that is the outcome, and not the problem.
inline Outcome<std::string> good(std::string text) {
  return {boost::system::in_place_value, std::move(text)};
}

Outcome<Accounts> parse(std::string_view text);

/// The account that is meant by `name`: its address, or its user's name where only one account has it; with
/// an empty name the default, or the only one. Nothing: none of these, and `name` may be a new address.
Outcome<std::optional<Entry>> find(const Accounts& accounts, std::string_view name);

/// The text with this account, in place of one with the same address. The first account is the default.
Outcome<std::string> put(std::string_view text, const Entry& entry);
/// The text without it; it is not the default any more, either.
Outcome<std::string> remove(std::string_view text, std::string_view account);
Outcome<std::string> set_default(std::string_view text, std::string_view account);

}  // namespace beckon::client::accounts
