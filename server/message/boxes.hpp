#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/message/inbox.hpp"
#include "server/message/outbox.hpp"
#include "server/shard/services.hpp"

namespace beckon::store {
struct Record;
struct Held;
}  // namespace beckon::store

namespace beckon::server::message {

/// What a device's answer to a stored message means.
enum class Verdict {
  accepted,
  refused,   ///< By this device: it does not get it again.
  rejected,  ///< By the user (6xx): no device gets it.
  later,     ///< The device is away or busy.
};

/// The inboxes of one shard's users, each a part of its user's entry: what is stored, and for how long. What
/// is added or changes is a step or a fact of the entry's sequence, in the durable store.
class Boxes final : public Keeper {
 public:
  /// Hears what becomes of stored messages, at the bucket of their user.
  class Observer {
   public:
    virtual ~Observer() = default;
    /// The store has another message: devices that registered after `since` may get it.
    virtual void on_stored(Entry& user, Now now, Time since) = 0;
    /// What the device has answered counts: it may get the next one.
    virtual void on_settled(Entry& user, const std::string& device) = 0;
    /// A device has it: the first one.
    virtual void on_delivered(Entry& user, const Stored& message, Now now) = 0;
    /// No device had it, and none gets it: it ended, its user refused it or is gone.
    virtual void on_failed(Entry& user, const Stored& message, Now now) = 0;
    /// Another number of messages waits for the user.
    virtual void on_count(Entry& user, Now now) = 0;
    /// Nothing is kept for the user any more.
    virtual void on_empty(Entry& user) = 0;
  };

  /// They outlive it.
  Boxes(Environment& environment, Outbox& outbox, Observer& observer);

  /// A message that is being stored: the parts of a step that concern the inbox.
  class Addition {
   public:
    enum class Room {
      enough,
      full,       ///< The user's inbox, or the shard's.
      too_large,  ///< It would not fit into an empty inbox.
      has_it,     ///< A copy of it is there: nothing is stored, and `number` is that one's.
    };
    /// `message` has no number yet. From now on later ones of its sender wait behind it.
    Addition(Boxes& boxes, Entry& user, Stored message);
    /// The text of a message with a topic, once it is known how often what it says has happened.
    using TextOf = std::function<std::string(std::uint32_t times)>;
    void set_text(TextOf text_of) { text_of_ = std::move(text_of); }
    const Stored& message() const { return message_; }
    Room prepare(store::Batch& batch, Now now);
    void apply(Now now);
    /// Devices that registered after `since` get it now.
    void announce(Now now, Time since);
    /// Instead of `apply` and `announce`.
    void drop();
    Entry& user() const { return user_; }
    /// Once it is prepared.
    std::uint64_t number() const { return number_; }

   private:
    void leave_coming();
    void take_place(const Inbox& inbox);

    Boxes& boxes_;
    Entry& user_;  ///< Lives as long as a step of its sequence.
    Stored message_;
    std::uint64_t number_ = 0;
    std::vector<std::uint64_t> giving_way_;
    TextOf text_of_;
    Outbox::Telling telling_;
  };

  /// Is a message of that sender about to be stored?
  bool is_coming_from(const Entry& user, std::string_view sender) const;
  /// A copy of a stored message is still under way to devices that were silent when it was stored.
  void begin_copy(Entry& user, std::uint64_t number);
  void end_copy(Entry& user, std::uint64_t number);
  bool has_copy(const Entry& user, std::uint64_t number) const;
  /// A device has answered a message that is stored, or a copy of it. `later` is a refusal for now.
  void settle(Entry& user, const std::string& device, std::uint64_t number, Verdict verdict);
  /// Is such an answer on its way into the store? The device gets the next one after that.
  bool is_settling(const Entry& user, const std::string& device) const;
  /// The user is gone, and all the messages go.
  void remove_all(Entry& user);
  /// The user has read a message, whatever device showed it: it waits for no device any more.
  void end_read(Entry& user, const std::string& sender, const std::string& id);
  /// The user deletes one that waits, or all: 200 when the store has it, 404 where there is none, 503 or 500.
  using Done = std::function<void(int status)>;
  void remove(Entry& user, std::optional<std::uint64_t> number, Done done);
  /// Null: nothing is kept for the user. Valid until the next change.
  const Inbox* inbox(const Entry& user) const;

  void restore(const store::Record& record, Now now);
  void reload(Entry& user, const store::Held& held, Now now) override;
  std::vector<Table> tables(Now now) const;

  /// Since the start.
  struct Counters {
    std::uint64_t stored = 0;
    std::uint64_t delivered = 0;  ///< Each once.
    std::uint64_t rejected = 0;
    std::uint64_t expired = 0;  ///< Before a device had it.
    std::uint64_t full = 0;     ///< Not stored, as there was no room.
  };
  const Counters& counters() const { return counters_; }
  /// Messages that no device has, and octets of all that are kept.
  std::size_t waiting() const { return waiting_; }
  std::size_t octets() const { return octets_; }

 private:
  struct Box;
  class Settling;
  class Removal;
  class Deletion;
  using Chosen = std::function<std::vector<std::uint64_t>(const Inbox&, Now)>;

  Box& box_of(Entry& user);
  template <class Change>
  void change(Entry& user, Change change_inbox);
  void arm(Entry& user, Box& box);
  void drop_if_empty(Entry& user);

  Environment& environment_;
  Outbox& outbox_;
  Observer& observer_;
  Slot<Box> slot_;
  Counters counters_;
  /// Of the shard: what is under way to a device is never taken for a message that came after it had gone.
  std::uint64_t last_number_ = 0;
  std::size_t waiting_ = 0, octets_ = 0;
};

}  // namespace beckon::server::message
