#pragma once

#include <boost/json/array.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/account/context.hpp"
#include "client/control/cause.hpp"
#include "media/stream/calls.hpp"

namespace beckon::client::call {

/// A call's id in the contract. Counts from 1; none is used twice.
using Number = std::uint64_t;

enum class Kind {
  direct,  ///< A direct session (ds1).
  invite,  ///< A session of RFC 3261.
};
const char* to_string(Kind kind);

enum class State {
  dialing,   ///< Outgoing: the callee has not responded yet.
  ringing,   ///< The callee's user is being alerted.
  answered,  ///< Media may flow.
  active,    ///< Both ends have confirmed the call.
  ended,
};
const char* to_string(State state);

/// Why a call ended.
struct Cause {
  std::string reason;
  int code =
      0;  ///< direct: DIRECT_SESSIONS 10. invite: the status, or the cause of a Reason header (RFC 3326).
  control::Cause cause = control::Cause::failed;  ///< The same as the contract names it.
  /// Another leg of the call may still succeed; a callee who declined, for one, has done so for all of them.
  bool only_this_leg = false;
};

/// What a call is when it begins.
struct Opening {
  Kind kind = Kind::direct;
  std::string peer;       ///< AOR.
  bool outgoing = false;  ///< This device called.
  bool verified = false;  ///< The peer's device key is trusted.
  State state = State::dialing;
  std::vector<std::string> media{"audio"};
  /// Of a call by INVITE that was to be a direct session if possible: why it is none.
  std::string why_not_direct{};
  /// Another way to make this call, which was entered before: a further leg of it. 0: a call of its own.
  Number leg_of = 0;
};

/// What may change in a call without a change of its state.
struct Details {
  bool held_here = false;   ///< This user holds it: nothing is received.
  bool held_there = false;  ///< The peer holds it.
  std::optional<bool>
      secured;  ///< Is the media encrypted? Empty: not known yet, or a direct session, which always is.
  bool operator==(const Details&) const = default;
};

/// What a kind of call is made of: executes the user's decisions. `key` is the carrier's own name for the
/// call.
class Carrier {
 public:
  using Key = std::uint64_t;
  virtual ~Carrier() = default;
  /// Accept or decline a call that rings here; false if it does not ring.
  virtual bool answer(Key key, Now now) = 0;
  virtual bool reject(Key key, Now now) = 0;
  /// Ends a call in any state.
  virtual void hang_up(Key key, Now now) = 0;
  /// Another leg of the call has been taken: this one ends, and its peer learns no other reason.
  virtual void withdraw(Key key, Now now) { hang_up(key, now); }
  /// The call's other leg has ended: this one goes on alone.
  virtual void on_alone(Key /*key*/, Now) {}
  /// Can the peer be expected to receive an answer? Of several legs that ring the first of which that is true
  /// is answered.
  virtual bool is_reached(Key /*key*/) const { return true; }
  /// Holds an answered call, or resumes it. The agreement of the peer follows as an event. False: it cannot
  /// be held, now or ever.
  virtual bool hold(Key /*key*/, bool /*held*/, Now) { return false; }
  /// Sends digits of DTMF. False: they are none, or cannot be sent now.
  virtual bool send_digits(Key /*key*/, std::string_view /*digits*/, Now) { return false; }
  /// The figures of a call that has not ended; empty without media.
  virtual std::optional<stream::CallStatistics> statistics(Key key) const = 0;
};

/// The book of all calls of this device, whatever carries them: numbers, states, and what the user asks of
/// them by number. It reports with the events "call", "media", "dtmf" and "call-statistics". One thread.
///
/// A call may have two legs, a direct session and an INVITE: they ring once, the first one that is taken is
/// the call, and the other one is withdrawn (DIRECT_SESSIONS 11). Carriers name legs; users name calls.
class Book {
 public:
  /// Ended calls whose figures can still be asked for; the first that ended is forgotten first.
  static constexpr std::size_t ended_kept = 64;

  explicit Book(account::Context& context) : context_(context) {}

  // --- for carriers
  /// Enters a call, or a leg of one that has a leg already and is not taken, and reports it. Gives the number
  /// by which the carrier names it from then on. The carrier outlives the book's last call to it.
  Number open(Opening opening, Carrier& carrier, Carrier::Key key, Now now);
  /// The call that this leg is one of.
  static Number call_of(Number leg) { return leg & ~second_leg; }
  /// Does another leg try to make the same call?
  bool has_rival(Number leg) const;
  /// Both ends have confirmed one leg of the call, or it has ended.
  bool is_taken(Number leg) const;
  /// Reports a state that is new. Ignored after the end of the call.
  void enter(Number number, State state, Now now);
  void end(Number number, Cause cause, Now now);
  /// The carrier's name of the call is another one from now on.
  void rename(Number number, Carrier::Key key);
  /// Reports details that are new. Ignored after the end of the call.
  void describe(Number number, const Details& details, Now now);
  /// A digit of DTMF was received.
  void on_digit(Number number, char digit, Now now);
  /// The first media packet in one direction, counted from the beginning of the call.
  void on_first_media(Number number, stream::User::Direction direction, Duration after_begin, Now now);
  /// The figures of the whole call, after its end. They are reported also where the call is forgotten.
  void finish(Number number, const stream::CallStatistics& statistics, Now now);

  // --- for commands; `id` is a number in decimal. False: no such call, or it does not ring.
  bool answer(std::string_view id, Now now);
  bool reject(std::string_view id, Now now);
  bool hang_up(std::string_view id, Now now);
  void hang_up_all(Now now);
  enum class Found { done, no_call, not_possible };
  Found hold(std::string_view id, bool held, Now now);
  Found send_digits(std::string_view id, std::string_view digits, Now now);
  /// Reports the figures of a call, also of one that has ended. False without figures.
  bool report_statistics(std::string_view id, Now now);
  /// The calls that have not ended, for the event "snapshot".
  boost::json::array json() const;

 private:
  /// The number of a call's second leg is that of the call with this bit.
  static constexpr Number second_leg = Number{1} << 63;

  struct Leg {
    Number name = 0;
    Carrier* carrier = nullptr;
    Carrier::Key key = 0;
    Opening opening;
    State state = State::dialing;
    Time began{};
  };
  struct Call {
    Opening opening;        ///< Of the leg that was begun last, or was taken.
    std::vector<Leg> legs;  ///< One; two while none is taken. Those that lost are gone.
    State state = State::dialing;
    Details details{};
    Time began{};
    std::optional<Cause> lost;   ///< Of the leg by INVITE that failed while the other went on.
    bool is_accepted = false;    ///< By this user; the leg that was answered is not taken yet.
    std::optional<Cause> cause;  ///< Once it has ended.
    std::optional<stream::CallStatistics> statistics;  ///< Of the whole call.

    Carrier& carrier() const { return *legs.front().carrier; }
    Carrier::Key key() const { return legs.front().key; }
  };

  Call* find(Number number);
  const Call* find(Number number) const;
  Call* find(std::string_view id);
  /// The same without those that have ended.
  Call* find_living(std::string_view id);
  /// A leg of a call that has not ended; null, too, if another leg was taken.
  Leg* find_leg(Number name);
  Number join(Call& call, Opening opening, Carrier& carrier, Carrier::Key key, Now now);
  void take(Number name, Call& call, Now now);
  void drop(Number name, Call& call, Cause cause, Now now);
  bool answer(Call& call, Now now);
  void follow_legs(Number number, Call& call, Now now);
  void report(Number number, const Call& call, Now now);
  void report(Number number, const stream::CallStatistics& statistics, Now now);

  account::Context& context_;
  Number last_ = 0;
  std::map<Number, Call> calls_;
  std::deque<Number> ended_;  ///< Of `calls_`, in the order of their ends.
};

}  // namespace beckon::client::call
