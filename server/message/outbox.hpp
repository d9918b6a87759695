#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/message/imdn.hpp"
#include "server/message/stored.hpp"
#include "server/shard/services.hpp"

namespace beckon::store {
struct Batch;
struct Held;
struct Record;
}  // namespace beckon::store

namespace beckon::server::message {

/// What users have still to tell the senders of their messages (RFC 5438 8), and what senders have been told.
/// A notification is stored in the commit that makes it true, and goes when the bucket of its sender has
/// stored it as a message: a crash at any time loses none, and makes none come twice. Of one shard, a part of
/// each entry.
class Outbox final : public Keeper {
 public:
  /// A notification on its way to the bucket of whoever is told.
  struct Notice {
    std::string from{};  ///< Whose outbox it is in: a canonical AOR,
    std::string key{};   ///< and its name there; no other has it.
    std::string to{};    ///< Canonical AOR.
    std::string body{};  ///< message/cpim
  };
  /// The bucket of `to` has it, or knows nobody of that name.
  struct Told {
    std::string from{}, key{};
  };
  /// Hands it to the bucket of `to`, which answers with `on_told`. False: that shard's queue is full.
  using Post = std::function<bool(Notice notice)>;
  Outbox(Environment& environment, Post post);

  /// What has not been told is handed over again after so long.
  static constexpr Duration again_after = 10s;
  /// How long a sender's bucket remembers what it was told: a notification that comes again does so at the
  /// start of a server, or after `again_after`.
  static constexpr Duration remembered = 5min;
  /// Notifications of one user that wait at once. It takes a store that fails for long to get there; past it
  /// senders are not told.
  static constexpr std::size_t most = 4096;

  /// The part of a step that tells senders what has become of their messages.
  class Telling {
   public:
    Telling(Outbox& outbox, Entry& user) : outbox_(outbox), user_(user) {}
    /// Of a step that is prepared again.
    void clear() { notices_.clear(); }
    /// Nothing where the sender has not asked for it or is no user of ours.
    void prepare(store::Batch& batch, const Stored& message, Fate fate, Now now);
    void apply();
    /// It is told when the store has it, which for a fact is later.
    void announce();

   private:
    Outbox& outbox_;
    Entry& user_;
    std::vector<Notice> notices_;
  };

  /// At the bucket of `told.from`.
  void on_told(const Told& told);

  // At the bucket of whoever is told:

  bool is_known(const Entry& user, const Notice& notice) const;
  /// Into the batch that stores it as a message; then `noted`.
  static void note(store::Batch& batch, const Notice& notice);
  void noted(Entry& user, const Notice& notice, Now now);

  /// Its records stand among those of messages, by names that no message has.
  static bool owns(const store::Record& record);
  void restore(const store::Record& record, Now now);
  void restored();
  void reload(Entry& user, const store::Held& held, Now now) override;

 private:
  struct Kept;
  class Barrier;
  class Removal;

  Kept& kept_of(Entry& user);
  void drop_if_empty(Entry& user);
  void send(Entry& user);
  void hand_over(Entry& user);
  void retry(Entry& user, Duration after);
  void arm_forgetting(Entry& user);

  Environment& environment_;
  Post post_;
  Slot<Kept> slot_;
};

}  // namespace beckon::server::message
