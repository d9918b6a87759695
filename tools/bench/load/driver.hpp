#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/auth/digest.hpp"
#include "tools/bench/load/link.hpp"
#include "tools/bench/load/texts.hpp"

namespace beckon::bench {

/// What one operation is, and what completes it.
enum class Operation : std::uint8_t {
  echo,       ///< 500 octets; the same ones come back.
  options,    ///< OPTIONS to the domain; its 200.
  bind,       ///< REGISTER of a user, again with the same Call-ID; its 200.
  call,       ///< INVITE from a user to the next one: 180, 200, ACK; then the caller's BYE; its 200.
  message,    ///< MESSAGE from a user to the next one, who answers 200; that 200 at the sender.
  store,      ///< MESSAGE from a user to one of as many who are not registered; its 202.
  publish,    ///< PUBLISH of a new document for a presentity; its 200 and every watcher's NOTIFY.
  subscribe,  ///< A new subscription; its 200 and the first NOTIFY.
  refresh,    ///< SUBSCRIBE in the dialog of a subscription; its 200 and the NOTIFY.
};

/// What a watcher asks for: whole documents; nothing that it has (RFC 5839), in `refresh`; what changed (RFC
/// 5263).
enum class Form : std::uint8_t { full, conditional, partial };

/// Operations one after the other, at most `window` at a time. Each actor (user, presentity or dialog) has at
/// most one of them at a time.
struct Job {
  Operation operation = Operation::options;
  std::uint32_t actors = 1;  ///< Actors 0 to this take turns.
  std::uint32_t window = 64;
  double seconds = 0;          ///< How long new ones begin; 0: each actor has one turn.
  std::uint32_t notifies = 0;  ///< Of one `publish`.
  Form form = Form::full;      ///< Of `subscribe` and `refresh`.
  /// `subscribe` with `seconds`: each turn is a new dialog, and `actors` is not used.
};

struct Totals {
  std::uint64_t completed = 0;
  std::uint64_t notifies = 0;  ///< Of completed operations.
  std::uint64_t failures = 0;  ///< Another status, no answer for 32 s, or a NOTIFY with an old document.
  std::uint64_t retransmissions = 0;  ///< Requests sent again, by us or by the server.
  double seconds = 0;
  Totals& operator+=(const Totals& other);
};

/// Plays all users of a server through one UDP socket: sends requests with the retransmissions of
/// RFC 3261 17.1.2, answers the server's. One thread.
///
/// Presentities have one publication each. Dialog D is a subscription to presentity D modulo `presentities`.
/// A watcher holds at most 100 subscriptions and one to each presentity.
class Driver {
 public:
  /// `digest`: users answer challenges, and from then on prove who they are unasked.
  Driver(std::uint16_t server_port, std::uint32_t presentities, bool digest = false);

  /// Runs a job to its end. Throws std::runtime_error when the server no longer answers.
  Totals run(const Job& job);

  /// The same in steps, for a caller who has other work meanwhile.
  void begin(const Job& job);
  bool is_done() const;
  /// Sends what the window permits, receives, retransmits. Waits up to `milliseconds` if nothing arrives.
  void step(int milliseconds);
  Totals end();

  /// NOTIFYs received since the start, each dialog's retransmissions not counted.
  std::uint64_t notifies() const { return notifies_; }
  /// Octets of these.
  std::uint64_t notify_octets() const { return notify_octets_; }
  std::uint64_t unexpected() const { return unexpected_; }  ///< Texts that belong to no operation.
  std::uint16_t port() const { return link_->port(); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Dialog {
    std::string tag, target;  ///< The server's.
    std::string entity_tag;   ///< Of the last document, where conditions are asked for.
    std::uint32_t cseq = 0;
    std::uint32_t notified = 0;  ///< The highest CSeq of a NOTIFY.
  };
  struct Flight {
    bool open = false;
    Ticket ticket;
    std::uint32_t actor = 0;
    bool answered = false;
    std::uint32_t notifies = 0;  ///< Still expected.
    bool delivered = false;      ///< The MESSAGE has reached the other user.
    bool hung_up = false;        ///< The BYE of a call has been sent.
    bool challenged = false;
    bool failed = false;
    std::string text, mark;
    Clock::time_point sent, again;
    Clock::duration interval{};
  };

  /// What a user answers challenges with.
  struct Proof {
    auth::Challenge challenge;
    std::uint32_t count = 0;  ///< Requests with its nonce.
  };

  std::optional<std::uint32_t> next_actor();
  void launch(std::uint32_t actor);
  void send_request(Flight& flight);
  std::string text(std::uint32_t actor, Ticket ticket);
  std::string call_text(std::uint32_t actor, Ticket ticket);
  std::string subscribe_text(std::uint32_t dialog, Ticket ticket);
  void take(std::string_view text);
  void on_response(std::string_view text, int status);
  void on_notify(std::string_view text);
  void on_message(std::string_view text);
  void on_invite(std::string_view text);
  void hang_up(Flight& flight, std::string_view answer);
  bool prove(Flight& flight, std::string_view response);
  std::string proof(std::uint32_t user, std::string_view method, std::string_view uri);
  void keep(const Flight& flight, std::string_view response);
  void finish_if_complete(Flight& flight);
  void finish(Flight& flight);
  void retransmit();
  void send(std::string text);
  void flush();
  std::uint32_t presentity_of(std::uint32_t dialog) const { return dialog % presentities_; }
  std::uint32_t watcher_of(std::uint32_t dialog) const;

  std::unique_ptr<Link> link_;
  std::uint16_t port_;
  std::uint32_t presentities_;
  std::uint32_t serial_ = 0;
  bool digest_;
  std::vector<std::optional<Proof>> proofs_;  ///< Of each user.
  std::vector<std::uint32_t> bound_;          ///< CSeq of each user's REGISTER.
  std::vector<std::string> etags_;            ///< Of each presentity.
  std::vector<Dialog> dialogs_;
  std::uint64_t notifies_ = 0, notify_octets_ = 0, unexpected_ = 0;
  unsigned unanswered_ = 0;  ///< Operations without an answer, one after the other.

  Job job_;
  Totals totals_;
  std::uint32_t next_ = 0;            ///< The first actor that had no turn.
  std::deque<std::uint32_t> idle_;    ///< Actors between two turns.
  std::vector<std::uint32_t> slots_;  ///< Of the actor's flight; `none` without.
  std::vector<Flight> flights_;
  std::vector<std::uint32_t> free_;  ///< Slots.
  Clock::time_point began_, now_, looked_;
  std::vector<std::string> out_;
  std::size_t out_count_ = 0;
  std::vector<std::string_view> batch_;
};

}  // namespace beckon::bench
