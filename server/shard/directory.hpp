#pragma once

#include <array>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cassert>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/transaction/transport.hpp"
#include "server/shard/bucket.hpp"
#include "server/store/sequence.hpp"

namespace beckon::server {

class Directory;

/// What one room keeps about one address-of-record.
class Part {
 public:
  virtual ~Part() = default;
};

/// The place of one room's part in every entry.
template <class T>
struct Slot {
  std::uint8_t index = 0;
};

/// Everything one shard keeps about one address-of-record: the rooms' parts, and the sequence of its changes.
/// Found once for each request (`Request::resource`); rooms reach each other's parts of the same person
/// through it without a second look-up. It goes when no room has a part in it, its sequence is quiet and
/// nobody holds an EntryPtr. One thread.
class Entry final : public store::Sequence {
 public:
  static constexpr std::size_t slots_max = 20;

  Entry(Directory& directory, std::string aor);

  Bucket bucket() const { return bucket_; }

  /// The room's part; null when it keeps nothing about this address.
  template <class T>
  T* find(Slot<T> slot) const {
    return static_cast<T*>(parts_[slot.index].get());
  }
  /// The room's part, made from `args` when there is none.
  template <class T, class... Args>
  T& get(Slot<T> slot, Args&&... args) {
    auto& part = parts_[slot.index];
    if (!part) part = std::make_unique<T>(std::forward<Args>(args)...);
    return static_cast<T&>(*part);
  }
  /// Ends the room's part. The caller holds an EntryPtr, or does not touch the entry afterwards.
  template <class T>
  void drop(Slot<T> slot) {
    const auto kept = ptr();
    parts_[slot.index].reset();
  }
  /// Keeps the entry while it lives.
  boost::intrusive_ptr<Entry> ptr() { return this; }

 private:
  friend class Directory;
  friend void intrusive_ptr_add_ref(Entry* entry) { ++entry->holders_; }
  friend void intrusive_ptr_release(Entry* entry);
  bool is_needed() const;

  Directory* directory_;  ///< Null when the shard is gone and only holders are left.
  std::array<std::unique_ptr<Part>, slots_max> parts_;
  std::uint32_t holders_ = 0;
  Bucket bucket_;
};
using EntryPtr = boost::intrusive_ptr<Entry>;

/// What keeps records about entries: a room.
class Keeper {
 public:
  virtual ~Keeper() = default;
  /// Another node changed the records of `entry` in one of the stores: what the room keeps there is replaced
  /// by those of its kinds in `held`.
  virtual void reload(Entry& entry, const store::Held& held, Now now) = 0;
};

/// The addresses-of-record that one shard keeps something about. Rooms take their slots when they are made.
class Directory final : private store::Sequencer {
 public:
  using Sequencer::Counters;
  using Sequencer::counters;
  using Sequencer::Parts;
  using Sequencer::scale;
  /// All referenced things outlive it.
  explicit Directory(Parts parts) : Sequencer(parts), forget_(parts.timers) {}
  /// How long a closed flow is remembered at least: longer than any request takes.
  static constexpr Duration closed_kept = 64s;

  ~Directory() override;

  /// Null when nothing is kept about `aor`. Canonical, and of a bucket of this shard.
  EntryPtr find(std::string_view aor) const;
  /// The entry of `aor`, made when there is none.
  EntryPtr get(std::string_view aor);
  /// For a room to take once, in its constructor.
  template <class T>
  Slot<T> take_slot() {
    assert(slots_ < Entry::slots_max);
    return {slots_++};
  }
  /// All entries, in no order. `visit` may drop parts, of any entry, and add none.
  void each(const std::function<void(Entry&)>& visit);
  std::size_t size() const { return entries_.size(); }
  /// For a room that keeps records to do once; it outlives the last change.
  void add(Keeper& keeper) { keepers_.push_back(&keeper); }

  /// Called before `Room::on_flow_closed`.
  void on_flow_closed(transaction::FlowId flow, Now now);
  /// Is the connection gone? A request can outlive its flow while its credentials are checked, while it waits
  /// for its turn and while the store writes; whoever binds a state to the flow asks in `Step::apply`, and
  /// where the flow is gone treats it as if `Room::on_flow_closed` came now. False for 0.
  bool is_closed(transaction::FlowId flow) const {
    return closed_.contains(flow) || closed_before_.contains(flow);
  }

  /// A stored record of that kind could not be read: it is skipped, and stays in the store.
  void skip_unreadable(store::Kind kind) { ++unreadable_[kind]; }
  /// The same of a record of an event package that this server does not have.
  void skip_unserved(store::Kind kind, std::string_view package);
  /// Logs how many were skipped, once for each kind and package. When all are read.
  void report_skipped();

 private:
  friend class Entry;
  friend void intrusive_ptr_release(Entry* entry);
  void on_quiet(store::Sequence& sequence) override;
  void on_conflict(store::Sequence& sequence, const store::Held& held, Now now) override;
  void drop_if_unneeded(Entry& entry);
  void forget_closed(Time now);

  boost::unordered_flat_map<std::string_view, Entry*> entries_;  ///< Owned; by the entry's own text.
  std::vector<Keeper*> keepers_;
  boost::unordered_flat_set<transaction::FlowId> closed_, closed_before_;
  Timer forget_;
  std::map<store::Kind, std::uint32_t> unreadable_;
  std::map<std::pair<store::Kind, std::string>, std::uint32_t> unserved_;
  std::uint8_t slots_ = 0;
};

}  // namespace beckon::server
