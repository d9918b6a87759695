#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/documents/dialoginfo.hpp"
#include "server/publication/device.hpp"
#include "server/registrar/registrar.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::calls {

/// Names one side of a dialog that a proxy of ours watches.
struct LineKey {
  Bucket at = 0;           ///< Where it is watched,
  std::uint64_t call = 0;  ///< in which call there,
  std::uint32_t dialog = 0;
  bool is_callee = false;
  bool operator==(const LineKey&) const = default;
};

/// What of a dialog stays as it is from its beginning on.
struct LineStart {
  std::string call_id, caller_tag;
  documents::DialogIdentity caller{}, callee{};
  std::string caller_target{};  ///< A URI; empty where it is not known.
  transaction::Hop from{};      ///< Where the caller's requests come from.
};
/// A dialog of a user as it is now: from `Calls` to the user's bucket.
struct LineChange {
  std::string aor;
  LineKey key;
  std::unique_ptr<const LineStart> start{};  ///< It begins the line; later ones change that, or find no line.
  documents::DialogState state = documents::DialogState::trying;
  std::optional<documents::DialogEvent> event{};  ///< As the user sees it.
  std::optional<std::uint16_t> code{};
  std::string callee_tag{}, callee_target{};  ///< Empty where they are not known yet.
  publication::Device device = 0;             ///< The user's, where `Calls` knows it.
};

/// To `Calls`: the user's side of a dialog is not shown, as the user has too many.
struct LineRefused {
  LineKey key;
};
/// To `Calls`: the user is gone, or the device that the user talks at. A device that rings may be back before
/// it answers (RFC 3261 18.2.2): its branch says when it does not.
struct LineEnded {
  LineKey key;
  bool if_answered = false;  ///< What rings goes on.
};

/// The calls of each user of one shard, at the user's bucket: those that our proxies forward.
class Lines final : public Room, private registrar::BindingsObserver {
 public:
  struct Line {
    LineKey key;
    documents::Dialog dialog;  ///< With an id; without duration.
    Time began{};              ///< Of the duration.
    publication::Device device = 0;
  };
  class Observer {
   public:
    virtual ~Observer() = default;
    /// A line began, changed its state, or is over; after the call one that is over is gone.
    virtual void on_lines_changed(Entry& user, Now now) = 0;
  };

  /// All outlive it. Observes the registrar.
  Lines(Environment& environment, Peers& peers, registrar::Registrar& registrar);

  void observe(Observer& observer) { observers_.push_back(&observer); }
  const std::vector<Line>& of(const Entry& user) const;
  /// Lines of all users.
  std::size_t size() const { return size_; }

  void on(LineChange change, Bucket at, Now now);
  // Room
  void on_user_gone(std::string_view aor, bool removed, Now now) override;

 private:
  struct UserLines final : Part {
    std::vector<Line> all;
  };

  // registrar::BindingsObserver
  void on_bindings_changed(Entry& user, registrar::BindingEvent event, const registrar::Binding& changed,
                           const std::vector<registrar::Binding>& all, Now now) override;

  publication::Device device_of(const Entry& user, const LineChange& change) const;
  void begin(Entry& user, LineChange change, Now now);
  void end(Entry& user, const LineChange& change, Now now);
  void report(Entry& user, Now now);
  void give_up(const LineKey& key, bool if_answered);

  Environment& environment_;
  Peers& peers_;
  registrar::Registrar& registrar_;
  Slot<UserLines> slot_;
  std::vector<Observer*> observers_;
  std::size_t size_ = 0;
};

}  // namespace beckon::server::calls
