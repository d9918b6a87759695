#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "protocol/xcap/exchange.hpp"
#include "protocol/xcap/target.hpp"
#include "server/archive/archive.hpp"

namespace beckon::server::archive {

/// Path below which it is served: "/history/users/sip:alice@example.org".
inline constexpr std::string_view history_root = "/history";
/// Messages of one page: where the request does not say, and at most.
inline constexpr std::size_t page_standard = 50, page_max = 200;

/// A user's archive over HTTP. The caller has checked that it is the user who asks.
///
///     GET    ?with=AOR&since=TIME&before=NUMBER&limit=NUMBER   the newest messages of those, oldest first
///     GET    ?after=NUMBER                                      what changed since
///     PUT    ?state=displayed[&with=AOR][&number=NUMBER][&before=NUMBER]
///     PUT    ?keep=yes, ?keep=no                                whether what comes is kept
///     DELETE ?with=AOR, ?number=NUMBER, or neither: all
///
/// Answers of GET are documents (`documents::MessageArchive`). GET ignores names that it does not know; PUT
/// and DELETE are refused with one (400), as it may have said what is to stay.
class History {
 public:
  using Done = std::function<void(beckon::xcap::Response)>;

  /// Both outlive it.
  History(Environment& environment, Archive& archive) : environment_(environment), archive_(archive) {}

  /// At the bucket of `user`, a canonical AOR.
  void handle(const std::string& user, const beckon::xcap::UserTarget& target, beckon::xcap::Method method,
              Done done);

 private:
  Environment& environment_;
  Archive& archive_;
};

}  // namespace beckon::server::archive
