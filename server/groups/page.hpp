#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "protocol/xcap/exchange.hpp"
#include "protocol/xcap/target.hpp"
#include "server/groups/groups.hpp"

namespace beckon::server::groups {

/// Path below which it is served: "/rooms/users/sip:alice@example.org".
inline constexpr std::string_view rooms_root = "/rooms";
/// Octets of a topic.
inline constexpr std::size_t topic_max = 512;

/// Rooms over HTTP, in the tree of the user who asks; the caller has checked that. ROOM and USER are SIP
/// URIs, with or without scheme.
///
///     GET                                the rooms that the user is in: a JSON array of addresses
///     GET    ?room=ROOM                  one room and its members, as JSON
///     GET    ?room=ROOM&history[&since=TIME][&before=NUMBER][&limit=NUMBER][&with=USER]
///                                        what was said (`documents::MessageArchive`)
///     PUT    ?room=ROOM&make[&topic=TEXT][&open=yes][&invites=yes]   201: there is one now
///     PUT    ?room=ROOM&member=USER[&role=owner]   adds a member; USER is the user itself: joins
///     PUT    ?room=ROOM&topic=TEXT, &open=yes|no, &invites=yes|no   changes it
///     DELETE ?room=ROOM&member=USER      removes a member; USER is the user itself: leaves
///     DELETE ?room=ROOM&history[&number=NUMBER][&with=USER]   erases what was said
///     DELETE ?room=ROOM                  ends the room
///
/// 400: cannot be read; 403: the user may not, or there are too many; 404: there is no such room, or user;
/// 409: the name is taken, or the room is full.
class Page {
 public:
  using Done = std::function<void(beckon::xcap::Response)>;

  /// Both outlive it.
  Page(Environment& environment, Groups& groups) : environment_(environment), groups_(groups) {}

  /// At the bucket of `user`, a canonical AOR.
  void handle(const std::string& user, const beckon::xcap::UserTarget& target, beckon::xcap::Method method,
              Done done);

 private:
  void list(const std::string& user, const Done& done);

  Environment& environment_;
  Groups& groups_;
};

}  // namespace beckon::server::groups
