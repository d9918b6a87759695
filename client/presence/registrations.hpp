#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "protocol/documents/reginfo.hpp"

namespace beckon::client::presence {

/// The registered devices of one user, from a subscription to its package "reg" (RFC 3680): says which are
/// new. A device is its instance and reg-id (RFC 5626), so that one whose contact changes with its connection
/// stays the same; else its contact.
class Registrations {
 public:
  struct News {
    bool is_gap = false;             ///< Versions were missed; ask for full state.
    std::vector<std::string> fresh;  ///< URIs of contacts that registered since the last document.
  };
  /// More devices of one user than these are not told apart: a server that names ever more costs no memory.
  static constexpr std::size_t devices_max = 1000;

  /// Those of the first document were registered before, so they are not new. A refresh is not, nor is a
  /// contact that a full document repeats: after a restart of the server, or in a new subscription.
  News take(const documents::RegistrationInfo& info);

 private:
  std::set<std::string> known_;
  std::uint32_t version_ = 0;
  bool has_begun_ = false;
};

/// The contacts that have just registered, each after its user, from a document about a whole domain: it has
/// news only, and nothing to compare with.
std::vector<std::pair<std::string, std::string>> newly_registered(const documents::RegistrationInfo& info);

/// Event "registrations" without name, time and `document`: what a document says of one user's contacts.
boost::json::object make_registrations_view(const documents::Registration& registration);

}  // namespace beckon::client::presence
