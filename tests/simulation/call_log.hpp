#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/address.hpp"
#include "protocol/sip/message.hpp"
#include "tests/simulation/world.hpp"

namespace beckon::simulation {

/// What must hold of the calls that a proxy forwards, watched on the wire and told by phones:
/// - an INVITE has one final response upstream: one refusal, or 2xxs with a tag each and nothing else after
///   them; a 2xx that a device sends goes upstream (RFC 3261 16.7 step 5), unless its branch is over: nothing
///   was heard of it until timer B or the end of its connection, or 10*T1 have passed since that, or 64*T1
///   since its CANCEL (RFC 3261 9.1, 18.2.2, RFC 6026 7.2);
/// - no branch begins after that, and none is an orphan: half a minute after the caller has its answer no
/// device rings any more that has
///   let the proxy know of itself (16.7 step 10, 16.10);
/// - of `dialog` documents, within a subscription, no dialog goes back to an earlier state (RFC 4235 3.7.1);
/// - a dialog whose BYE has come is not shown any more;
/// - a call that do-not-disturb forbids rings nowhere and is answered 480;
/// - what the server sends of a call is bounded by what phones sent of it.
class CallLog {
 public:
  CallLog(World& world, const Address& server) : world_(world), server_(server) {}

  void fail(const std::string& what) {
    if (fault_.empty()) fault_ = what;
  }
  /// The first violation; empty while there is none.
  const std::string& fault() const { return fault_; }

  // The wire: everything that is sent, and what arrives of it.
  void on_sent(const Address& from, const Address& to, const sip::Message& message);
  void on_arrived(const Address& at, const sip::Message& message);

  // The server
  void server_crashed();
  void server_started() { is_running_ = true; }
  /// All connections break: the server gives up the branches on them that it has not heard of, and the others
  /// 10*T1 later.
  void connections_cut() { cuts_.push_back(world_.now().mono); }

  // Phones
  /// A device rings from now on, or thinks about it; named by the top branch of the INVITE.
  void ring_began(const std::string& phone, const sip::Message& invite);
  void ring_ended(const sip::Message& invite);
  /// The ring need not be ended by anybody: its phone or its connection is gone.
  void ring_excused(const sip::Message& invite);
  /// No device may ring for this call, until `allow` says otherwise of its callee.
  void forbid(const std::string& call_id, const std::string& callee);
  void allow(const std::string& callee);

  /// To be called when nothing has happened for a while, and all have hung up. `shown`: Call-IDs of the
  /// dialogs that the server still has, which may be those of nobody who could have ended them.
  void check_quiet(const std::set<std::string>& shown);

  /// What was seen, so that a test can see that something was.
  struct Sights {
    std::uint64_t invites = 0, accepted = 0, refused = 0, forks = 0, late = 0, cancelled = 0, documents = 0,
                  orphans_excused = 0, forbidden = 0,
                  reconnected = 0;  ///< 2xxs of devices whose connection broke while they rang.
  };
  const Sights& sights() const { return sights_; }

 private:
  /// Copies of a CANCEL are sent for so long, and a branch that was not heard of is given up by then.
  static constexpr Duration grace = 34s;
  static constexpr Duration timer_b = 32s;
  static constexpr Duration reconnect = 5s;  ///< The time of a phone that rang when its connection broke.
  /// What is on its way between two shards that long may come too late.
  static constexpr Duration between_shards = 1s;
  /// Copies of one message: of a request eleven at most (timers E and F), of a response one for each copy of
  /// its request and eleven of its own, and the network doubles some.
  static constexpr std::uint64_t most_copies = 60;

  struct Branch {
    Time began{};
    bool is_stream = false;
    std::optional<Time> heard{};      ///< The first response has come, in time.
    std::optional<Time> cancelled{};  ///< By the server.
  };
  /// One INVITE outside of dialogs: a Call-ID has one here.
  struct Invite {
    bool has_come = false;   ///< At the server,
    std::uint64_t life = 0;  ///< in this life of it.
    std::string callee{};
    std::optional<Time> ended{};  ///< The first final response has left.
    std::optional<Time> cancelled{};
    std::string refusal{};
    std::map<std::string, std::string> accepted{};  ///< 2xx that left for the caller, by tag of the callee.
    std::set<std::string> due{};                    ///< Tags of 2xx that came and have to be passed on.
    std::set<std::string> answered{}, byes{};       ///< Tags of dialogs begun, and of those ended.
    std::map<std::string, Branch> branches{};
    bool is_forbidden = false;
    std::set<std::size_t> from_phones{}, from_server{};  ///< Hashes of what was sent.
  };
  struct Ringing {
    std::string phone, call_id;
    Time began{};
    std::uint64_t life = 0;
    std::optional<Time> heard{};  ///< Something it said has come to the server.
    bool is_excused = false;
  };
  struct Followed {
    std::map<std::string, int> ranks;  ///< By id of the dialog.
    std::uint64_t life = 0;
    std::uint32_t last = 0;  ///< CSeq.
  };

  void on_final(const sip::Message& response);
  void on_cancelled(const sip::Message& cancel);
  bool is_over(const Branch& branch) const;
  bool is_to_pass(const Invite& invite, const sip::Message& accepting) const;
  void on_notify(const sip::Message& notify);
  void count(const Address& from, const sip::Message& message);
  void check_orphan(const Ringing& ring);
  static std::string describe(const sip::Message& message) { return std::string(message.text()); }

  World& world_;
  Address server_;
  std::string fault_;
  std::uint64_t life_ = 1;
  bool is_running_ = false;
  std::vector<Time> cuts_;
  std::map<std::string, Invite> invites_;                             ///< By Call-ID.
  std::map<std::string, Ringing> rings_;                              ///< By top branch.
  std::map<std::pair<std::string, std::string>, Followed> followed_;  ///< By Call-ID and From-tag.
  std::map<std::size_t, std::uint64_t> copies_;                       ///< Of each message of the server's.
  Sights sights_;
};

}  // namespace beckon::simulation
