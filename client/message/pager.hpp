#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "client/account/context.hpp"
#include "client/incoming/room.hpp"
#include "client/message/content.hpp"
#include "client/message/outbox.hpp"
#include "client/message/peers.hpp"
#include "client/message/receipts.hpp"
#include "client/message/typing.hpp"

namespace beckon::client::message {

/// Pager-mode messages (RFC 3428): each stands alone. Sends texts, as message/cpim where receipts are asked
/// for; takes the MESSAGEs that come in: texts, receipts (RFC 5438), typing notices (RFC 3994).
class Pager final : public incoming::Room {
 public:
  /// Does the sender ask for receipts?
  enum class Ask {
    as_known,  ///< Of a peer that has sent message/cpim itself.
    yes,       ///< Unless the peer has refused message/cpim, or the text leaves no room for it.
    no,
  };
  /// What became of a text.
  struct Outcome {
    int status = 0;  ///< 0 without answer. 200: a device has it; 202: the server keeps it (RFC 3428 7).
    std::string reason{};
    std::string message_id{};
    bool asked = false;  ///< For receipts.
  };
  using Sent = std::function<void(const Outcome& outcome, Now now)>;
  /// Called once; `status` is 0 without answer.
  using Done = std::function<void(int status, std::string_view reason, Now now)>;

  struct Options {
    /// Every message is displayed when it is reported, and its sender may know.
    bool displays = false;
    Peers peers{};
    /// `peers` is to be stored.
    std::function<void(const Peers& peers)> on_peers_changed{};
  };

  /// Hears the id of every message that is sent or received, as archives know it: its Message-ID, else
  /// `documents::message_id`. `from` is the AOR in From of one that is received, and empty for one that is
  /// sent: two senders may choose the same id.
  using OnId = std::function<void(const std::string& from, const std::string& id)>;

  Pager(account::Context& context, Options options, OnId on_id = {});

  /// `to` is a canonical AOR, or a GRUU of one. A text too long for one request ends with 513 at once. A peer
  /// that answers 415 to message/cpim gets the text once more, alone, and later texts so from the beginning.
  void send(const std::string& to, std::string text, Ask ask, Sent done, Now now);
  /// The user begins or goes on to compose a message for `to`, or has stopped. Ends at once where `to` need
  /// not be told; with 415 where `to` has refused to be (RFC 3994 4).
  void type(const std::string& to, bool active, Done done, Now now);
  /// The user has seen the message of `from`: its sender gets a display notification if it asked for one.
  /// False: it did not, or has it already, or the message is none of the newest `Receipts::messages_max`.
  bool displayed(const std::string& from, const std::string& message_id, Now now);
  /// The user has seen all messages of `from`, or of everybody where it is empty.
  void all_displayed(const std::string& from, Now now);

  // incoming::Room
  const incoming::Services& services() const override;
  /// An asserted sender is believed only from the account's own server (RFC 3325 5). A copy of a message is
  /// answered, not shown.
  void on_request(const incoming::Request& request, Now now) override;

 private:
  /// A text under way.
  struct Text {
    std::string to, peer, text, call_id;
    Sent done;
  };
  /// Who sent a message.
  struct Sender {
    std::string aor;
    bool asserted = false;
  };

  Outbox::Request make_plain(const Text& text) const;
  Outbox::Request make_cpim(const Text& text, Now now) const;
  void on_answer(const Text& text, bool asked, int status, const sip::Message* response, Now now);
  void send_status(const std::string& to, bool active, Done done, Now now);
  void notify(const Owed& owed, documents::Imdn::Kind kind, documents::Imdn::Status status, Now now);
  Sender sender_of(const incoming::Request& request) const;
  /// Nullopt: its sender wants to know nothing.
  std::optional<Owed> take_text(const sip::Message& message, const Sender& sender, const Content& content,
                                Now now);
  void acknowledge(const Owed& owed, const documents::Dispositions& wanted, Now now);
  void take_notifications(const Sender& sender, const Content& content, Now now);
  void learn(bool is_new) const;
  void note(const std::string& from, const std::string& id) const;

  account::Context& context_;
  Options options_;
  OnId on_id_;
  Outbox outbox_;
  Receipts receipts_;
  Typing typing_;
};

}  // namespace beckon::client::message
