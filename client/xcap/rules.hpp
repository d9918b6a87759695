#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "client/xcap/editor.hpp"
#include "protocol/documents/pres_rules.hpp"

namespace beckon::client::xcap {

/// The user's presence authorisation rules (RFC 5025) on the server: reads them, and changes one watcher's,
/// or those of a domain.
class Rules {
 public:
  using Done = Editor::Done;

  /// `root` is the path of the XCAP root, e.g. "/xcap".
  Rules(const account::Account& account, std::string_view root, Http& http, Random& random);

  /// `who` is the AOR of a watcher, or "sip:example.org" for everybody of a domain. Without a verdict the
  /// rule for it is removed.
  void set(std::string who, std::optional<documents::Verdict> verdict, Done done);
  void read(Requester::Read<documents::Rules> done);

 private:
  Editor editor_;
};

}  // namespace beckon::client::xcap
