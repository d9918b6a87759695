#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/account/context.hpp"
#include "client/account/requester.hpp"
#include "protocol/documents/direct.hpp"
#include "protocol/documents/pidf.hpp"
#include "protocol/event/publisher.hpp"

namespace beckon::client::presence {

/// What the user publishes.
struct Shown {
  bool open = true;
  std::string note{};
  std::string activity{};
  ds1::Mode direct = ds1::Mode::off;
  bool last_seen = false;  ///< The user permits that it is known when this device was last used.
  /// Which calls the user wants; the server refuses others, from whichever device they would ring on.
  enum class Calls { all, one, none };
  Calls calls = Calls::all;
  bool operator==(const Shown&) const = default;
};

/// This device's presence tuple as PIDF. `direct` is the element to publish with it, or null.
documents::Presence compose(const account::Context& context, const Shown& shown,
                            const documents::Direct* direct, Now now);

/// This device's publication (RFC 3903) with its <direct> element (DIRECT_SESSIONS 3). The document is
/// composed when its PUBLISH leaves, so that a secret is sent only on a connection on which the server offers
/// direct sessions.
class Publication {
 public:
  /// The final status, 0 without answer. Each is called once.
  using Done = std::function<void(int status, Now now)>;
  /// Makes the element with the current epoch, or with a new one if `renew`; null: this device has no
  /// reachable address.
  using MakeDirect = std::function<const documents::Direct*(bool renew, Now now)>;

  /// What a program stores, so that its next run changes or removes what this one leaves published.
  struct Kept {
    std::string etag{};  ///< From the run before; empty: it left nothing.
    std::function<void(const std::string& etag)> on_changed{};
  };
  Publication(account::Context& context, MakeDirect make_direct, Kept kept);

  void publish(Shown shown, Done done, Now now);
  void remove(Done done, Now now);
  /// Publishes the whole document again: the connection is new, or <direct> has changed.
  void update(Now now);
  /// The server may offer direct sessions now: publishes <direct> if it is wanted and was omitted.
  void on_offer(Now now);

  const Shown& shown() const { return shown_; }
  const char* state_word() const;
  /// Is something published, as far as is known, or about to be?
  bool has_any() const {
    return machine_.state() != event::Publisher::State::idle || !machine_.etag().empty();
  }

 private:
  using Actions = event::Publisher::Actions;
  struct InFlight {
    bool whole = false;  ///< With a document.
    bool removal = false;
    std::vector<Done> dones;
  };

  void perform(const Actions& actions, Now now);
  Actions hurry(Time now);
  void settle(Now now);
  void send(const event::Publisher::Request& what, Now now);
  SharedText make_document(Now now);
  std::string why_not_direct() const;
  void on_response(int status, const sip::Message* response, Now now);
  bool take_success(const sip::Message& response, Now now);
  void give_up_direct(std::string why, Now now);
  void report(std::string_view state, int status, std::string_view reason, std::uint32_t expires, Now now);

  account::Context& context_;
  MakeDirect make_direct_;
  Kept kept_;
  event::Publisher machine_;
  Timer timer_;
  Shown shown_;
  bool wanted_ = false;
  InFlight in_flight_;
  std::vector<Done> waiting_;  ///< Of what the user asked for since the last PUBLISH.
  bool with_direct_ = false;   ///< The last document that was sent carries <direct>.
  bool renew_epoch_ = false;   ///< The next one needs a new epoch.
  /// The connection whose offer the last document used; 0: none.
  transaction::FlowId offer_taken_ = 0;
  transaction::FlowId refused_on_ =
      0;  ///< The connection on which <direct> was refused (DIRECT_SESSIONS 3.1).
  std::string why_refused_;
  std::string why_not_direct_;
  std::string call_id_, tag_;
  std::uint32_t cseq_ = 0;
  account::Life life_;
};

}  // namespace beckon::client::presence
