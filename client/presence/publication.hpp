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

/// What the user wants to show.
struct Shown {
  bool open = true;
  std::string note;
  std::string activity;
  ds1::Mode direct = ds1::Mode::off;
  bool operator==(const Shown&) const = default;
};

/// This device's presence tuple as PIDF. `direct` is the element to publish with it, or null.
documents::Presence compose(const account::Context& context, const Shown& shown,
                            const documents::Direct* direct, Now now);

/// This device's publication (RFC 3903) with its <direct> element (DIRECT_SESSIONS 3). The document is
/// composed when it leaves, so that no secret ever goes down a connection on which none was asked for.
class Publication {
 public:
  /// The final status, 0 when nobody answered. Each is called once.
  using Done = std::function<void(int status, Now now)>;
  /// Makes the element with the living epoch, or with a new one if `renew`; null: there is no address to be
  /// reached at.
  using MakeDirect = std::function<const documents::Direct*(bool renew, Now now)>;

  Publication(account::Context& context, MakeDirect make_direct);

  void publish(Shown shown, Done done, Now now);
  void remove(Done done, Now now);
  /// Publishes the whole document again: the connection is new, or <direct> has changed.
  void update(Now now);
  /// The server may offer direct sessions now: publishes <direct> if it is wanted and was left out.
  void on_offer(Now now);

  bool is_wanted() const { return wanted_; }
  const Shown& shown() const { return shown_; }
  const char* state_word() const;

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
  void tell(std::string_view state, int status, std::string_view reason, std::uint32_t expires, Now now);

  account::Context& context_;
  MakeDirect make_direct_;
  event::Publisher machine_;
  Timer timer_;
  Shown shown_;
  bool wanted_ = false;
  InFlight in_flight_;
  std::vector<Done> waiting_;  ///< Of what the user asked for since the last PUBLISH left.
  bool with_direct_ = false;   ///< The last document that left carries <direct>.
  bool renew_epoch_ = false;   ///< The next one needs a new epoch.
  /// The connection on which the last document was composed with the server's offer; 0: without one.
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
