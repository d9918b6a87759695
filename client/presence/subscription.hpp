#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "client/account/context.hpp"
#include "client/account/requester.hpp"
#include "protocol/dialog/dialog.hpp"
#include "protocol/event/subscriber.hpp"

namespace beckon::client::presence {

/// One subscription of ours: the RFC 6665 machine with its dialog, joined to the account's requests.
class Subscription {
 public:
  /// A NOTIFY with a body, in order.
  using OnDocument = std::function<void(const sip::Message& notify, Now now)>;
  /// The state changed and was told; `ended` is the last one.
  using OnChange = std::function<void(Now now)>;
  /// The final status, 0 when nobody answered. Each is called once.
  using Done = std::function<void(int status, Now now)>;

  /// `to` is a canonical AOR, `accept` the value of Accept.
  Subscription(account::Context& context, std::string to, std::string package, std::string accept,
               std::uint32_t expires_seconds, OnDocument on_document, OnChange on_change);

  /// `done` gets the status of the first SUBSCRIBE. Once.
  void start(Done done, Now now);
  /// Unsubscribes; `done` is called when the subscription has ended: 200, or why the server could not be
  /// told.
  void stop(Done done, Now now);
  /// Asks for full state (a version was missed, the connection is new).
  void refresh(Now now);

  /// Is this NOTIFY ours? One that overtakes our 200 has no dialog yet and matches by Call-ID and tag. None
  /// is after the end.
  bool matches(const sip::Message& notify) const;
  /// Handles it and says what to answer.
  int on_notify(const sip::Message& notify, Now now);

  const std::string& to() const { return to_; }
  const std::string& package() const { return package_; }
  event::Subscriber::State state() const { return machine_.state(); }
  /// The server serves it now: what its documents said is current.
  bool is_active() const { return machine_.state() == event::Subscriber::State::active; }
  /// "pending", "active", "terminated", or "unknown" while it is being asked for.
  const char* state_word() const;

 private:
  void perform(const event::Subscriber::Actions& actions, Now now);
  void send(const event::Subscriber::Subscribe& what, Now now);
  sip::Builder make(std::uint32_t expires, bool new_dialog);
  void on_response(int status, const sip::Message* response, Now now);
  void tell(Now now);

  account::Context& context_;
  std::string to_, package_, accept_;
  OnDocument on_document_;
  OnChange on_change_;
  event::Subscriber machine_;
  Timer timer_;
  std::optional<dialog::Dialog> dialog_;
  std::string call_id_, tag_;
  std::uint32_t cseq_ = 0;  ///< Of the last SUBSCRIBE outside a dialog.
  Done started_;
  std::vector<Done> stopped_;
  int stop_status_ = 200;
  int last_status_ = 0;
  account::Life life_;
};

}  // namespace beckon::client::presence
