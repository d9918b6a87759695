#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "client/control/command.hpp"

namespace beckon::client::terminal {

/// "sip:bob@example.org" as it is typed: "bob" in the domain `home`, else "bob@example.com"; another text as
/// it is.
std::string short_name(std::string_view address, std::string_view home);

/// Whom and what the user has met: users, rooms, groups of contacts, living calls. Learned from events and
/// from what was typed; for completion, and to write addresses as people do.
class Names {
 public:
  /// `home` is the domain of the account: its users need no domain.
  explicit Names(std::string home) : home_(std::move(home)) {}

  void learn(const boost::json::object& event);
  void learn(const control::Command& command);

  /// Short names in the order of the alphabet.
  std::vector<std::string> users() const;
  std::vector<std::string> groups() const { return {groups_.begin(), groups_.end()}; }
  std::vector<std::string> calls() const { return {calls_.begin(), calls_.end()}; }

 private:
  void learn_user(std::string_view address);
  void learn_values(std::string_view key, const boost::json::value& value);

  std::string home_;
  std::set<std::string> users_;  ///< Addresses.
  std::set<std::string> groups_, calls_;
};

}  // namespace beckon::client::terminal
