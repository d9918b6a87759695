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
class Book {
 public:
  /// Ended calls whose figures can still be asked for; the first that ended is forgotten first.
  static constexpr std::size_t ended_kept = 64;

  explicit Book(account::Context& context) : context_(context) {}

  // --- for carriers
  /// Enters a call and reports it. The carrier outlives the book's last call to it.
  Number open(Opening opening, Carrier& carrier, Carrier::Key key, Now now);
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
  struct Call {
    Opening opening;
    Carrier* carrier = nullptr;
    Carrier::Key key = 0;
    State state = State::dialing;
    Details details{};
    std::optional<Cause> cause;                        ///< Once it has ended.
    std::optional<stream::CallStatistics> statistics;  ///< Of the whole call.
  };

  Call* find(Number number);
  Call* find(std::string_view id);
  /// The same without those that have ended.
  Call* find_living(std::string_view id);
  void report(Number number, const Call& call, Now now);
  void report(Number number, const stream::CallStatistics& statistics, Now now);

  account::Context& context_;
  Number last_ = 0;
  std::map<Number, Call> calls_;
  std::deque<Number> ended_;  ///< Of `calls_`, in the order of their ends.
};

}  // namespace beckon::client::call
