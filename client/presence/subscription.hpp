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

/// One subscription of this user agent: the RFC 6665 machine with its dialog, joined to the account's
/// requests.
class Subscription {
 public:
  /// A NOTIFY with a body, in order.
  using OnDocument = std::function<void(const sip::Message& notify, Now now)>;
  /// The state changed and was reported; `ended` is the last one.
  using OnChange = std::function<void(Now now)>;
  /// The final status, 0 without answer. Each is called once.
  using Done = std::function<void(int status, Now now)>;

  /// `to` is a canonical AOR, `accept` the value of Accept: MIME types, each perhaps with its q.
  Subscription(account::Context& context, std::string to, std::string package, std::string accept,
               std::uint32_t expires_seconds, OnDocument on_document, OnChange on_change,
               const sip::Rates& rates = {});
  /// Lists are understood, too (RFC 4662 4.1). Before `start`.
  void support_lists() { supports_lists_ = true; }

  /// `done` gets the status of the first SUBSCRIBE. Once.
  void start(Done done, Now now);
  /// Unsubscribes. `done` is called when the subscription has ended, with 200, or with the status of the
  /// SUBSCRIBE that failed.
  void stop(Done done, Now now);
  /// Asks for the state, unless the server knows that this is the document we have: the connection is new.
  void refresh(Now now);
  /// Asks for full state whatever we have: a version was missed. A server that does not send it is asked
  /// `reloads_max` times in a row; after that only the refreshes ask.
  void reload(Now now);
  /// A document was taken, so the next one that is missed is asked for again.
  void settle() { reloads_ = 0; }
  static constexpr int reloads_max = 8;
  /// Asks for no other type than `accept` from here on. A server that sends another one is still understood.
  void fall_back(std::string_view accept) { accept_ = accept; }

  /// Does this NOTIFY belong here? One that overtakes the 200 has no dialog yet and matches by Call-ID and
  /// tag. After the end none matches.
  bool matches(const sip::Message& notify) const;
  /// Is it without a body, or is the body of a type that the subscription accepts?
  bool can_read(const sip::Message& notify) const;
  /// The value of Accept.
  const std::string& accepted() const { return readable_; }
  /// Handles it and returns the status to answer with.
  int on_notify(const sip::Message& notify, Now now);

  /// Does this NOTIFY, instead of a document, name the newest one that we have (RFC 5839 6.2)?
  bool confirms(const sip::Message& notify) const;

  event::Subscriber::State state() const { return machine_.state(); }
  /// The server serves it now, so its documents are current.
  bool is_active() const { return machine_.state() == event::Subscriber::State::active; }
  /// "pending", "active", "terminated", or "unknown" before the first NOTIFY.
  const char* state_word() const;

 private:
  void perform(const event::Subscriber::Actions& actions, Now now);
  void send(const event::Subscriber::Subscribe& what, Now now);
  sip::Builder make(std::uint32_t expires, bool new_dialog);
  void on_response(int status, const sip::Message* response, Now now);
  void report(Now now);

  account::Context& context_;
  std::string to_, package_;
  const std::string readable_;  ///< The value of Accept at first.
  std::string accept_;
  std::string rates_;  ///< Parameters of Event.
  OnDocument on_document_;
  OnChange on_change_;
  event::Subscriber machine_;
  Timer timer_;
  std::optional<dialog::Dialog> dialog_;
  std::string call_id_, tag_;
  std::string entity_tag_;  ///< Of the newest document, in whatever dialog it came (RFC 5839 5.3); or empty.
  std::uint32_t cseq_ = 0;  ///< Of the last SUBSCRIBE outside a dialog.
  Done started_;
  std::vector<Done> stopped_;
  int stop_status_ = 200;
  int last_status_ = 0;
  bool supports_lists_ = false;
  int reloads_ = 0;  ///< Since a document was taken.
  account::Life life_;
};

}  // namespace beckon::client::presence
