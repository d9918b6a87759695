#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/message/recent.hpp"
#include "protocol/base/random.hpp"
#include "protocol/base/time.hpp"
#include "protocol/documents/cpim.hpp"
#include "protocol/documents/imdn.hpp"

namespace beckon::client::message {

/// A message whose sender wants to know what becomes of it.
struct Owed {
  std::string to{};  ///< The sender's AOR, which gets the notification.
  std::string message_id{};
  std::string date_time{};  ///< As the sender wrote it.
  std::string recipient{};  ///< The To of the message.
  std::string original_to{};
  std::vector<documents::CpimAddress> record_route{};
};

/// How a notification is written; each is shorter than the one before, as a request has little room.
enum class NotificationForm {
  full,   ///< message/cpim, with the recipient of the message (RFC 5438 7.2.1).
  brief,  ///< message/cpim, without what the RFC does not require.
  bare,   ///< The document alone, which linphone sends and reads. It is not what the RFC requires.
};
struct Notification {
  std::string content_type{};
  std::string body{};
};
Notification make_notification(const Owed& owed, documents::Imdn::Kind kind, documents::Imdn::Status status,
                               std::string_view own_aor, NotificationForm form, Random& random, WallTime now);

/// The messages that were sent and received lately: which receipts are new, which messages are copies, which
/// senders asked for a display notification. Pure and bounded: the oldest are forgotten.
class Receipts {
 public:
  static constexpr std::size_t messages_max = 1000;

  /// A message was sent that receipts call `id`, and the user `name`.
  void on_sent(const std::string& id, const std::string& to, const std::string& name);
  /// What the user calls that message; `id` itself of one that was not sent here.
  std::string name_of(const std::string& id);
  /// Whom the message was sent to; null: it was not sent here, or long ago.
  const std::string* recipient_of(const std::string& message_id);
  /// A notification of `from`. False: its recipient has said the same of this message before.
  bool is_news(const std::string& from, const documents::Imdn& imdn);

  /// A message came in. False: a copy. `key` says which one it is, and of whom.
  bool on_received(const std::string& key) { return received_.add(key, {}) != nullptr; }
  /// Its sender wants to know when it is displayed.
  void owe_display(Owed owed);
  /// The message of `from` is displayed now: whom to tell. Nullopt: nobody wants to know, or knows already.
  std::optional<Owed> take_display(const std::string& from, const std::string& message_id);
  /// The same of all messages of `from`, or of everybody where it is empty.
  std::vector<Owed> take_displays(const std::string& from);

 private:
  struct Sent {
    std::string to, name;
    unsigned told = 0;  ///< A bit for each status that its recipient has told.
  };
  struct Nothing {};

  Recent<std::string, Sent> sent_{messages_max};
  Recent<std::string, Nothing> received_{messages_max};
  /// By sender and Message-ID, as two senders may choose the same. Null once told.
  Recent<std::pair<std::string, std::string>, std::optional<Owed>> displays_{messages_max};
};

}  // namespace beckon::client::message
