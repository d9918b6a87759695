#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/xcap/requester.hpp"

namespace beckon::client::xcap {

/// What a watcher sees of the account, as the server says: beside XCAP, with the same credentials.
class Preview {
 public:
  struct View {
    std::string permission;          ///< "allow", "confirm", "polite-block", "block".
    std::string by;                  ///< "own", "foreign-domain", "rules", "default-policy".
    std::vector<std::string> rules;  ///< Ids of those that decide.
    std::string direct;              ///< "off", "ask", "auto".
    std::string document;            ///< A presence document; empty: the watcher gets none.
  };
  using Done = Requester::Read<View>;

  /// `account` outlives it. `xcap_root` is the path of the XCAP root, e.g. "/xcap": views stand beside it.
  Preview(const account::Account& account, std::string_view xcap_root, Http& http, Random& random);

  /// `rule`: as if that were the watcher's rule ("allow", "confirm", "polite-block", "block", or "forget" for
  /// none); empty: as it is.
  void read(const std::string& watcher, const std::string& rule, Done done);

 private:
  std::string user_, root_;
  Requester requester_;
};

}  // namespace beckon::client::xcap
