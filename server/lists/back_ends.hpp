#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/crypto/crypto.hpp"
#include "protocol/locate/locator.hpp"
#include "server/lists/back_end.hpp"
#include "server/proxy/forwarder.hpp"
#include "server/shard/services.hpp"
#include "server/subscription/follow.hpp"

namespace beckon::server::lists {

/// The back-end subscriptions of one shard, each at the bucket of its resource: what follows resources of
/// other domains for lists. Nothing of them is stored: after a restart the lists ask for them anew, and
/// NOTIFYs of the dialogs of before are answered 481, which ends those.
class BackEnds final : public Room, public subscription::Outside, private proxy::Forwarder::Client {
 public:
  /// SUBSCRIBEs that are under way to one domain; the others wait for their turn, so that a long list or a
  /// restart is no flood.
  static constexpr std::size_t at_once = 16;
  /// For so long one that was refused, or whose resource is none, is not asked for again.
  static constexpr Duration refused_pause = 60s;

  /// All of this shard; they outlive it.
  struct Parts {
    Services& services;
    Sender& sender;
    Peers& peers;
    locate::Locator& locator;
  };
  BackEnds(Parts parts, const crypto::Key32& key);
  ~BackEnds() override;

  // Room
  Serves serves() const override { return {.methods = {sip::Method::notify}}; }
  /// Those for the server itself.
  bool takes(const Request& request) const override { return !request.relayed; }
  void on_request(const RequestPtr& request) override;
  void on_domains_gone(Now now) override;
  std::vector<Table> tables(Now now) const override;

  // subscription::Outside
  void follow(subscription::Follow follow, Bucket at, Now now) override;
  void unfollow(const subscription::FollowerId& id, Bucket at, Now now) override;
  void heard(const subscription::Heard& heard, Bucket at, Now now) override;

  /// Back-end subscriptions, and SUBSCRIBEs under way.
  std::size_t size() const { return places_.size() + sent_.size(); }

 private:
  using Key = std::uint64_t;
  /// A subscription to a list that has the resource in it. One report is under way at a time.
  struct Follower {
    subscription::FollowerId id;
    std::uint32_t sent = 0;
    bool in_flight = false, is_due = false;
  };
  struct Place {
    Place(BackEnd::Topic topic, std::chrono::seconds lifetime, Bucket at, IpAddress who, TimerQueue& timers);
    BackEnd back_end;
    Bucket bucket;
    std::string domain;
    IpAddress asker;
    std::vector<Follower> followers{};
    Timer timer;             ///< Of the machine; of one that has ended: until it is forgotten.
    Timer retry;             ///< Of reports that found a queue full.
    std::uint64_t turn = 0;  ///< Of its SUBSCRIBE among those of the domain that wait; 0: none does.
  };
  struct Domain {
    std::size_t places = 0, under_way = 0;
    std::map<std::uint64_t, std::pair<Key, event::Subscriber::Subscribe>> waiting{};  ///< By turn.
  };

  Place* find(Key key);
  bool may_follow(std::string_view domain) const;
  Place& add(BackEnd::Topic topic, Bucket at, const IpAddress& asker, Key& key);
  void erase(Key key);
  void perform(Key key, const BackEnd::Actions& actions, Now now);
  void arm(Key key, Place& place, Now now);
  void end(Key key, Now now);
  void work(const std::string& domain);
  void send(Key key, const event::Subscriber::Subscribe& what, Now now);
  std::optional<proxy::Destination> destination_of(const Place& place) const;
  void tell(Key key, Place& place, Follower& follower);
  void report_end(const subscription::FollowerId& id, Bucket from, std::string_view reason);

  // proxy::Forwarder::Client
  void on_response(proxy::Forwarder::Key, std::size_t, const sip::Message&, Now) override {}
  void on_end(proxy::Forwarder::Key key, const proxy::Forwarder::End& best, Now now) override;

  Parts parts_;
  proxy::Forwarder forwarder_;
  std::unordered_map<Key, std::unique_ptr<Place>> places_;
  std::map<BackEnd::Topic, Key> by_topic_;
  std::unordered_map<std::string, Key> by_tag_;
  std::unordered_map<std::string, Key> by_follower_;
  std::unordered_map<std::string, Domain> domains_;
  std::unordered_map<Key, std::pair<Key, std::string>> sent_;  ///< SUBSCRIBE -> whose, and its domain.
  Key last_ = 0;
  std::uint64_t last_turn_ = 0;
};

}  // namespace beckon::server::lists
