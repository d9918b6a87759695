#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "client/account/account.hpp"
#include "client/account/requester.hpp"
#include "client/xcap/http.hpp"
#include "protocol/auth/digest.hpp"
#include "protocol/base/random.hpp"
#include "protocol/documents/pres_rules.hpp"

namespace beckon::client::xcap {

/// Edits the user's presence authorisation rules (RFC 5025) on the server: reads the document, changes one
/// watcher's rule, and writes it back if it has not changed meanwhile (RFC 4825 7.11), else begins again. One
/// edit at a time, in order.
class Rules {
 public:
  /// `status` is HTTP's; 0 if the server was not reached, `control::unproven` if its certificate is not
  /// trusted.
  using Done = std::function<void(int status, std::string reason, Now now)>;

  /// `root` is the path of the XCAP root, e.g. "/xcap".
  Rules(const account::Account& account, std::string root, Http& http, Random& random);

  /// Without a verdict the watcher's rule is removed.
  void set(std::string watcher, std::optional<documents::Verdict> verdict, Done done);

 private:
  struct Edit {
    std::string watcher;
    std::optional<documents::Verdict> verdict;
    Done done;
    int tries = 0;
  };
  void begin();
  void read();
  void on_read(const beckon::xcap::Response& response, Now now);
  void write(documents::Rules rules, std::string etag);
  void on_written(int status, Now now);
  void end(int status, std::string reason, Now now);

  /// Sends with credentials; answers a challenge once.
  void send(beckon::xcap::Request request, std::function<void(const beckon::xcap::Response&, Now)> done,
            bool again = false);
  std::string authorization(const beckon::xcap::Request& request);

  const account::Account& account_;
  std::string path_;
  Http& http_;
  Random& random_;
  std::deque<Edit> edits_;  ///< The first is in progress.
  std::optional<auth::Challenge> challenge_;
  std::uint32_t count_ = 0;
  account::Life life_;
};

}  // namespace beckon::client::xcap
