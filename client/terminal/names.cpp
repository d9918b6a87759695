#include "client/terminal/names.hpp"

#include <algorithm>
#include <array>

#include "client/terminal/characters.hpp"
#include "protocol/base/text.hpp"

namespace beckon::client::terminal {
namespace {

/// A peer may make up as many senders as it likes.
constexpr std::size_t users_max = 1000, octets_max = 256;

/// Members of events and commands that name a user or a room.
constexpr std::array<std::string_view, 12> naming{"of",  "from", "to",   "peer",    "with",  "contact",
                                                  "aor", "user", "room", "watcher", "users", "member"};

bool is_fit_to_type(std::string_view text) {
  for (std::string_view rest = text; !rest.empty();) {
    const Character character = first_character(rest);
    if (!character.is_valid || is_dangerous(character.code) || character.code == ' ' || character.code == '"')
      return false;
    rest.remove_prefix(character.octets.size());
  }
  return !text.empty() && text.size() <= octets_max;
}

}  // namespace

std::string short_name(std::string_view address, std::string_view home) {
  if (!address.starts_with("sip:")) return std::string(address);
  const std::string_view rest = address.substr(4);
  const auto at = rest.find('@');
  const bool is_home = at != std::string_view::npos && iequals(rest.substr(at + 1), home);
  return std::string(is_home ? rest.substr(0, at) : rest);
}

void Names::learn_user(std::string_view address) {
  if (!address.starts_with("sip:") || address.find('@') == std::string_view::npos) return;
  if (address.find(';') != std::string_view::npos) return;  // a device of a user
  if (is_fit_to_type(address) && users_.size() < users_max) users_.emplace(address);
}

void Names::learn_values(std::string_view key, const boost::json::value& value) {
  if (value.is_array())
    for (const auto& each : value.as_array()) learn_values(key, each);
  if (value.is_object())
    for (const auto& [name, each] : value.as_object()) learn_values(name, each);
  if (!value.is_string()) return;
  const std::string_view text = value.as_string();
  if (std::ranges::find(naming, key) != naming.end()) learn_user(text);
  if (key == "group" && is_fit_to_type(text) && groups_.size() < users_max) groups_.emplace(text);
}

void Names::learn(const boost::json::object& event) {
  const auto* name = event.if_contains("event");
  if (name == nullptr || *name == "trace" || *name == "result") return;
  learn_values({}, event);
  if (*name != "call" || !event.contains("call") || !event.contains("state")) return;
  const std::string id(event.at("call").as_string());
  event.at("state") == "ended" ? void(calls_.erase(id)) : void(calls_.insert(id));
}

void Names::learn(const control::Command& command) { learn_values({}, command.arguments); }

std::vector<std::string> Names::users() const {
  std::vector<std::string> all;
  for (const std::string& each : users_) all.push_back(short_name(each, home_));
  std::ranges::sort(all);
  return all;
}

}  // namespace beckon::client::terminal
