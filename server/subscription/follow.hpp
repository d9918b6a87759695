#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/event/notifier.hpp"
#include "server/subscription/package.hpp"

/// A subscription that follows resources from inside the server, each as if its watcher had subscribed to it:
/// the virtual subscriptions of a list (RFC 4662 2). What the shards of the two exchange; values.
namespace beckon::server::subscription {

/// Which one: the `number`-th that the subscription with that tag began.
struct FollowerId {
  std::string tag{};  ///< Local tag of the subscription that follows; it carries its bucket.
  std::uint32_t number = 0;
  /// Local tag of what follows for it, at the bucket of its resource.
  std::string follower_tag(Bucket at) const { return bucket_prefix(at) + tag + '.' + std::to_string(number); }
};

/// To the bucket of `resource`.
struct Follow {
  FollowerId id{};
  std::string resource{};  ///< A canonical AOR.
  std::string package{};   ///< Its name.
  std::string watcher{};   ///< Canonical AOR, authenticated: rules decide about it.
  std::string display_name{};
  std::string body_type{};     ///< One of the package's.
  bool is_secure = false;      ///< As `Subscription::is_secure`.
  bool is_list = false;        ///< `resource` is a list itself.
  std::size_t octets_max = 0;  ///< Of the state of `resource`, if that is a list.
  IpAddress asker{};           ///< Of the watcher's device, which named `resource`: see `proxy::Destination`.
  std::vector<std::string> path{};  ///< Lists on the way here, the outermost first.
};
/// It ends; nothing is reported any more.
struct Unfollow {
  FollowerId id{};
};

/// The newest of it, back to the subscription that follows: always all of it.
struct Report {
  using State = event::Notifier::State;
  FollowerId id{};
  Bucket from = 0;  ///< Of the resource.
  State state = State::pending;
  std::string_view reason{};  ///< Why it ended, a literal.
  Content content{};
  std::uint32_t sent = 0;  ///< Comes back with `Heard`; 0: nothing waits for that.
  bool is_last = false;    ///< It has ended, and is forgotten where the resource is.
};
/// The report arrived; the next one may follow.
struct Heard {
  FollowerId id{};
  std::uint32_t sent = 0;
};

/// Who follows resources of other domains: a room above this one. What shards exchange is the same.
class Outside {
 public:
  virtual ~Outside() = default;
  virtual void follow(Follow follow, Bucket at, Now now) = 0;
  /// These two may be about followers of resources here, which it does not know.
  virtual void unfollow(const FollowerId& id, Bucket at, Now now) = 0;
  virtual void heard(const Heard& heard, Bucket at, Now now) = 0;
};

/// What a subscription is besides one of a device.
struct Inside {
  bool is_follower = false;
  FollowerId id{};                  ///< Whom it follows for.
  std::vector<std::string> path{};  ///< See `Follow`.
  std::size_t octets_max = 0;
  std::string list{};  ///< See `Subscription::list`.
};

}  // namespace beckon::server::subscription
