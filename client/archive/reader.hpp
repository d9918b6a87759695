#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/xcap/requester.hpp"
#include "protocol/documents/message_archive.hpp"

namespace beckon::client::archive {

/// Reads and changes the account's archive of messages on the server, over HTTP.
class Reader {
 public:
  /// `status` is HTTP's, or `xcap::Requester::status_of` an error. `archive` is empty unless it is 200 and
  /// the answer to a reading.
  using Done = std::function<void(int status, const std::string& reason,
                                  const documents::MessageArchive& archive, Now now)>;
  /// Which messages; what is empty excludes none.
  struct Selection {
    std::string with{};    ///< AOR.
    std::string number{};  ///< One message.
    std::string before{};  ///< Those with smaller numbers.
    std::string since{};   ///< RFC 3339.
    std::string limit{};   ///< So many, the newest.
  };

  /// `xcap_root` is the path of the XCAP root, e.g. "/xcap": the archives stand beside it.
  Reader(const account::Account& account, std::string_view xcap_root, xcap::Http& http, Random& random);

  void page(const Selection& selection, Done done);
  /// What changed after that number.
  void changes(std::uint64_t after, Done done);
  void set_displayed(const Selection& selection, Done done);
  void erase(const Selection& selection, Done done);
  /// Whether the server keeps what comes from now on.
  void keep(bool is_kept, Done done);

 private:
  using Query = std::vector<std::pair<std::string, std::string>>;
  void send(beckon::xcap::Method method, Query query, Done done);

  std::string user_, root_;
  xcap::Requester requester_;
};

}  // namespace beckon::client::archive
