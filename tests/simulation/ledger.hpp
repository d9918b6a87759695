#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "protocol/base/address.hpp"
#include "protocol/sip/message.hpp"
#include "tests/simulation/world.hpp"

namespace beckon::simulation {

/// What a person's rules make of one watcher.
enum class Handling : std::uint8_t {
  none,           ///< No rule: the watcher waits.
  allow,          ///< Everything is shown,
  without_notes,  ///< but for notes.
  polite_block,
  block,
};
const char* to_string(Handling handling);
/// What published states are known by: "state-17-" stands in the only note of a presence document.
std::string make_token(std::string_view kind, std::uint64_t number);
/// All tokens of that kind in a text.
std::set<std::string> tokens_in(std::string_view text, std::string_view kind);

/// What was asked of the server and what it acknowledged, kept beside the history by its people; and what
/// everything on the wire must keep to:
/// - what was acknowledged is there until its lifetime is over, whatever crashes; nothing is there longer;
/// - from the answer to a PUT that hides a person from a watcher, to the next one that does not, no NOTIFY
///   composed for the watcher shows a state or a dialog; that of a list shows none from a second after it;
/// - each NOTIFY of a subscription has a cause;
/// - a watcher is not sent more than the maximum rate that it asked for and was granted (RFC 6446 5).
class Ledger {
 public:
  explicit Ledger(World& world) : world_(world) {}

  void fail(const std::string& what) {
    if (fault_.empty()) fault_ = what;
  }
  /// The first violation; empty while there is none.
  const std::string& fault() const { return fault_; }

  /// Names a thing the server keeps for somebody: {"binding", whose, contact}, {"presence", whose, token}.
  struct Thing {
    std::string kind, owner, name;
    auto operator<=>(const Thing&) const = default;
  };
  /// A request that makes the thing, or keeps it, for `lifetime` leaves now.
  void asked(const Thing& thing, std::chrono::seconds lifetime);
  /// The request that left at `asked_at` was acknowledged: the thing is there for that long.
  void granted(const Thing& thing, Time asked_at, std::chrono::seconds lifetime);
  /// A later request may have ended it: it need not be there.
  void doubted(const Thing& thing);
  /// A request about it had no answer: a second one of it may be there that nobody can end.
  void strayed(const Thing& thing);
  /// Its end was acknowledged, or it was refused.
  void ended(const Thing& thing);
  /// It must be there now.
  bool is_sure(const Thing& thing) const;
  /// It was never there, or has ended for certain.
  bool is_over(const Thing& thing) const;
  /// Names of all things of that kind and owner.
  std::vector<std::string> names(const std::string& kind, const std::string& owner) const;
  /// Compares with what there is. Gives what is wrong; empty where nothing is.
  std::string check(const std::string& kind, const std::string& owner,
                    const std::set<std::string>& present) const;

  using Rules = std::map<std::string, Handling>;  ///< By watcher.
  void rules_sent(const std::string& owner, const Rules& rules, const std::vector<std::string>& watchers);
  void rules_answered(const std::string& owner, const Rules& rules, const std::vector<std::string>& watchers);

  /// The administrator has removed or disabled the user: of that user nothing may be there any more. Whoever
  /// subscribes to one who was removed is let in here, where everybody exists who is asked for, and may be
  /// put out again: the server looks twice more for what requests under way have left.
  void user_gone(const std::string& aor, bool removed);

  /// Another cause of NOTIFYs about `owner`.
  void changed(const std::string& owner) { changes_[owner] += 2; }

  /// Everything that is sent passes here.
  void on_sent(const Address& server, const Address& from, const sip::Message& message);
  void server_started() { ++restarts_; }
  void connections_cut() { ++cuts_; }

  /// NOTIFYs of the subscription that came closest to its bound, and the bound.
  std::pair<std::uint64_t, std::uint64_t> busiest() const { return busiest_; }
  /// What was compared, so that a test can see that something was.
  std::uint64_t checks() const { return checks_; }
  /// Presence documents that told only what changed.
  std::uint64_t diffs() const { return diffs_; }

 private:
  /// A request may be taken up to the end of its transaction, and things may be compared while a message is
  /// under way.
  static constexpr Duration transaction_time = 33s;
  static constexpr Duration slack = 2s;

  struct Claim {
    Time sure_until{};      ///< As acknowledged.
    Time possible_until{};  ///< Later the server must not have it.
    bool is_stray = false;
  };
  struct Sight {
    bool shows_notes = false;  ///< As far as anybody can know.
    Time noted{};              ///< Until then a list may show them all the same.
    bool shows_dialogs = false;
    bool may_block = false;  ///< A subscription may be ended, or refused.
  };
  /// A subscription, as seen on the wire.
  struct Subscribed {
    std::string owner, watcher, package;
    bool is_list = false;  ///< The owner is a list, so each of its members is one.
    std::uint64_t subscribes = 0;
    std::set<std::uint32_t> notifies;  ///< CSeqs.
    std::uint64_t before = 0;          ///< `changes_` of the owner when it began.
    std::uint64_t restarts = 0, cuts = 0;
    std::uint64_t exempt = 0;  ///< NOTIFYs that need not keep to the rate.
    std::uint64_t restarts_seen = 0;
    Duration interval{};  ///< Of the maximum rate that its last NOTIFY says; zero: none.
    double repeats = 0;   ///< Of its minimum rate, in a second.
    Time began{}, last{};
    std::string state;
    bool may_be_rejected = false;  ///< The rules may have ended it, and nobody has said so yet.
  };

  void rules_hold(const std::string& owner, const Rules& rules, const std::vector<std::string>& watchers);
  void on_request(const sip::Message& request);
  void on_notify(const sip::Message& notify);
  void check_sight(const Subscribed& of, const sip::Message& notify);
  void check_list(const Subscribed& of, const sip::Message& notify);
  /// Of all resources of the subscription.
  std::uint64_t changes_of(const Subscribed& of);
  void check_rate(Subscribed& of, const std::string& state);
  void check_causes(const Subscribed& of, const sip::Message& notify);

  World& world_;
  std::string fault_;
  std::map<Thing, Claim> claims_;
  std::map<std::pair<std::string, std::string>, Sight> sights_;         ///< By owner and watcher.
  std::map<std::string, Subscribed> subscribed_;                        ///< By Call-ID.
  std::set<std::tuple<std::string, std::string, std::uint32_t>> seen_;  ///< Requests.
  std::map<std::string, std::uint64_t> changes_;  ///< Requests about each person so far, weighed.
  std::set<std::string> removed_;                 ///< Users.
  std::uint64_t restarts_ = 0, cuts_ = 0;
  std::pair<std::uint64_t, std::uint64_t> busiest_{0, 1};
  mutable std::uint64_t checks_ = 0;
  std::uint64_t diffs_ = 0;
};

}  // namespace beckon::simulation
