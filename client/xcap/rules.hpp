#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "client/xcap/requester.hpp"
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
  Rules(const account::Account& account, std::string_view root, Http& http, Random& random);

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

  void send(beckon::xcap::Request request, std::function<void(const beckon::xcap::Response&, Now)> done);

  std::string path_;
  Requester requester_;
  std::deque<Edit> edits_;  ///< The first is in progress.
};

}  // namespace beckon::client::xcap
