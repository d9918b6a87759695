#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "client/control/event.hpp"
#include "protocol/documents/message_archive.hpp"

namespace beckon::client::archive {

/// What the user's other devices sent, received, read and erased, from the changes of the archive on the
/// server. It shows a message as a copy (event "message-copy") unless this device sent or received it itself,
/// and what becomes of any message (events "message-state" and "messages-erased"). Pure.
class Copies {
 public:
  /// Asks the server for the changes after a number; `on_answer` takes them.
  using Ask = std::function<void(std::uint64_t after, Now now)>;

  Copies(control::OnEvent emit, Ask ask) : emit_(std::move(emit)), ask_(std::move(ask)) {}

  /// This device received the message of that id from `from`, or sent it where that is empty.
  void note_own(const std::string& from, const std::string& id);
  /// A document of the event package. The first one tells where the archive stands; what was before is
  /// history.
  void on_notified(const documents::MessageArchive& changes, Now now);
  /// The server's answer to `Ask`; null: it failed, and the next document asks again.
  void on_answer(const documents::MessageArchive* changes, Now now);
  /// The subscription has ended: the next one begins anew.
  void reset();

 private:
  /// Ids of this device's own messages that are remembered.
  static constexpr std::size_t own_max = 1024;

  void take(const documents::MessageArchive& changes, Now now);
  void show(const documents::ArchivedMessage& message, bool is_new, Now now);
  void catch_up(Now now);

  control::OnEvent emit_;
  Ask ask_;
  std::deque<std::string> own_;                 ///< Sender and id.
  std::unordered_set<std::string_view> by_id_;  ///< Of the texts in `own_`.
  std::optional<std::uint64_t> known_;          ///< The newest change that was shown.
  std::uint64_t newest_ = 0;                    ///< That there is, as far as we heard.
  bool asks_ = false;
};

}  // namespace beckon::client::archive
