#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "server/message/delivery.hpp"
#include "server/message/inbox.hpp"
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

/// The inboxes of one shard's users, each a part of its user's entry: what is stored, for how long, and what
/// becomes of it at each device. What is added or changes is a step or a fact of the entry's sequence, in the
/// durable store.
class Boxes final : public Keeper, private registrar::BindingsObserver, private Deliveries::Source {
 public:
  /// Hears what becomes of stored messages, once the store has it, at the bucket of their user.
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void on_stored(Entry& user, const Stored& message, Now now) = 0;
    /// A device has it: the first one.
    virtual void on_delivered(Entry& user, const Stored& message, Now now) = 0;
    /// No device had it, and none gets it: it ended, its user refused it or is gone.
    virtual void on_failed(Entry& user, const Stored& message, Now now) = 0;
    /// Another number of messages waits for the user.
    virtual void on_count(Entry& user, Now now) = 0;
    /// Is a copy of it under way still, which was relayed before it was stored?
    virtual bool is_under_way(const Entry& user, std::uint64_t number) const = 0;
  };

  /// All of this shard; they outlive it.
  struct Parts {
    Environment& environment;
    Sender& sender;
    locate::Locator& locator;
    registrar::Registrar& registrar;
  };
  Boxes(Parts parts, const crypto::Key32& key, Observer& observer);

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
  };

  /// Does the user want to be left alone by that sender now? Then nothing of the sender's is delivered.
  using LeftAlone = std::function<bool(Entry& user, std::string_view sender)>;
  void ask_first(LeftAlone left_alone) { left_alone_ = std::move(left_alone); }
  bool is_left_alone(Entry& user, std::string_view sender) const {
    return left_alone_ && left_alone_(user, sender);
  }
  /// The user's devices get what waits, those that registered after `since`.
  void start(Entry& user, Now now, Time since = Time::min());

  /// Is a message of that sender stored, or about to be, that goes first?
  bool waits_from(const Entry& user, std::string_view sender) const;
  /// A device has refused a copy of the message for now, which was relayed before it was stored: it is tried
  /// again after a pause.
  void pause(Entry& user, const std::string& device, std::uint64_t number, Now now);
  /// A device has answered a message that is stored, or a copy of it. `later` is a refusal for now.
  void settle(Entry& user, const std::string& device, std::uint64_t number, Verdict verdict);
  /// The user is gone, and all the messages go.
  void remove_all(Entry& user);
  /// The user has read a message, whatever device showed it: it waits for no device any more.
  void end_read(Entry& user, const std::string& sender, const std::string& id);
  /// The user deletes one that waits, or all: 200 when the store has it, 404 where there is none, 503 or 500.
  using Done = std::function<void(int status)>;
  void remove(Entry& user, std::optional<std::uint64_t> number, Done done);
  /// Null: nothing is kept for the user. Valid until the next change.
  const Inbox* inbox(const Entry& user) const;
  /// How far a device is with what waits for it.
  struct Progress {
    bool is_under_way = false;  ///< Or about to be.
    unsigned times = 0;         ///< In a row it could not take a message.
    Time next{};                ///< When it is tried again, with `times`.
  };
  Progress progress(const Entry& user, const std::string& device) const;

  void restore(const store::Record& record, Now now);
  void restored(Now now);
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
  /// Devices that do not read message/cpim, by user and device, for this shard; the oldest are forgotten.
  class PlainDevices {
   public:
    static constexpr std::size_t most = 4096;
    bool has(const Entry& user, std::string_view device) const;
    void add(const Entry& user, std::string_view device);

   private:
    std::unordered_set<std::string> all_;
    std::deque<std::string> by_age_;
  };

  Box& box_of(Entry& user);
  template <class Change>
  void change(Entry& user, Change change_inbox);
  void arm(Entry& user, Box& box);
  void drop_if_empty(Entry& user);
  bool becomes_plain(Entry& user, const std::string& device, std::uint64_t number);
  void put_off(Entry& user, const std::string& device, std::uint64_t number, bool is_answered, Now now);
  void retry(Entry& user, Now now);

  // registrar::BindingsObserver
  void on_bindings_changed(Entry& user, registrar::BindingEvent event, const registrar::Binding& changed,
                           const std::vector<registrar::Binding>& all, Now now) override;
  // Deliveries::Source
  std::optional<Deliveries::Load> next_for(Entry& user, const std::string& device, Now now) override;
  void on_answered(Entry& user, const std::string& device, std::uint64_t number,
                   const proxy::Forwarder::End& end, Now now) override;

  Environment& environment_;
  Observer& observer_;
  registrar::Registrar& registrar_;
  Slot<Box> slot_;
  Deliveries deliveries_;
  LeftAlone left_alone_;
  PlainDevices plain_;
  Counters counters_;
  /// Of the shard: what is under way to a device is never taken for a message that came after it had gone.
  std::uint64_t last_number_ = 0;
  std::size_t waiting_ = 0, octets_ = 0;
};

}  // namespace beckon::server::message
