#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace beckon::client::control {

/// How people name users without their whole address: "bob" of the own domain, "Bob Dylan" of the address
/// book.
class Naming {
 public:
  Naming() = default;
  /// `home` is the domain of users that are named without one; empty: each needs its domain.
  Naming(std::string_view home) : home_(home) {}    // NOLINT(google-explicit-constructor): a domain is enough
  Naming(const std::string& home) : home_(home) {}  // NOLINT(google-explicit-constructor)
  Naming(const char* home) : home_(home) {}         // NOLINT(google-explicit-constructor)

  /// An event "contacts": who is called how. It takes the place of what was known.
  void learn(const boost::json::object& contacts);

  const std::string& home() const { return home_; }
  bool has_contacts() const { return !contacts_.empty(); }
  /// The addresses of the contacts that are called exactly so, in their order; where there are some, with
  /// them the contact who is that user of the own domain.
  std::vector<std::string> contacts_called(std::string_view name) const;

 private:
  std::string home_;
  std::vector<std::pair<std::string, std::string>> contacts_;  ///< Address, and what it is called.
};

}  // namespace beckon::client::control
