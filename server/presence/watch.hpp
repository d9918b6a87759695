#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/bytes.hpp"
#include "server/presence/hooks.hpp"
#include "server/presence/information.hpp"
#include "server/presence/ledger.hpp"
#include "server/presence/permits.hpp"
#include "server/presence/policy.hpp"
#include "server/shard/histogram.hpp"
#include "server/shard/keyed_set.hpp"
#include "server/shard/rounds.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::xcap {
class Documents;
}

namespace beckon::server::presence {

class Reciprocity;
class Watch;
class Watches;

/// What a watch is for: a SIP subscription, a resource list, a session of another protocol, another node...
class Sink {
 public:
  virtual ~Sink() = default;
  /// There is a newer state: `Watches::render` gives it, now or later.
  virtual void on_state(Watch& watch, Now now) = 0;
  /// A change of rules gave the watcher another view; `watch.view()` is the new one. There may be a newer
  /// state with it. May end the watch.
  virtual void on_view(Watch& watch, const View& before, Now now) = 0;
};

/// How anything in the server follows a presentity on behalf of one watcher. It keeps what that watcher may
/// see, decided when it began and when rules change, and which state was reported last.
class Watch {
 public:
  enum class Kind : std::uint8_t {
    watching,
    asked_back,  ///< It asks whether the watcher might see, and shows nothing (`Reciprocity`).
  };
  /// All referenced things outlive it, the text of `watcher` too (a canonical AOR, authenticated).
  Watch(Watches& watches, Entry& presentity, std::string_view watcher, Sink& sink,
        Kind kind = Kind::watching);
  virtual ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  Entry& presentity() const { return *presentity_; }
  std::string_view watcher() const { return watcher_; }
  const View& view() const { return view_->view; }
  /// Between `Watches::follow` and `Watches::end`.
  bool is_followed() const { return hook_.is_linked(); }

 private:
  friend class Watches;

  struct SharedView : boost::intrusive_ref_counter<SharedView, boost::thread_unsafe_counter> {
    explicit SharedView(View its_view) : view(std::move(its_view)) {}
    const View view;
  };
  using ViewPtr = boost::intrusive_ptr<const SharedView>;

  Watches& watches_;
  EntryPtr presentity_;
  std::string_view watcher_;
  Sink& sink_;
  boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> hook_;
  Watch* next_of_pair_ = nullptr;  ///< The next one of the same watcher.
  ViewPtr view_;
  std::uint64_t rules_ = 0;   ///< Of the rules that `view_` was decided by.
  std::uint32_t state_ = 0;   ///< Of the state reported last.
  bool is_withheld_ = false;  ///< Its last document lacks grants, as their permit was due.
  const Kind kind_;
  ShownPtr drawn_;          ///< By the last `Watches::render`,
  ShownPtr shown_;          ///< and by the last document that was sent, since
  WallTime shown_since_{};  ///< then.
};

/// The watches of one shard. A new state or new rules reach them in slices, so that no other user waits for
/// the many watchers of one; a change during a round is part of it, and each watch is notified of the newest
/// only.
class Watches {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    /// The rules of `presentity` changed, and every watch has its new view.
    virtual void on_rules_applied(Entry& presentity, Now now) = 0;
  };

  /// All referenced things outlive it.
  Watches(Environment& environment, PresenceInformation& information, const xcap::Documents& documents);
  ~Watches();

  void observe(Observer& observer) { observers_.push_back(&observer); }

  /// Before the first watch; outlives the last one.
  void set_reciprocity(Reciprocity& reciprocity) { reciprocity_ = &reciprocity; }
  /// `Reciprocity` was told something else about `watcher`: its watches are decided anew.
  void told_back(Entry& presentity, const std::string& watcher, Now now);
  /// Does `watcher` let `presentity` see it? Nullopt: nobody has asked, or it has not answered yet.
  std::optional<bool> lets_see(const Entry& presentity, std::string_view watcher) const;

  /// Outlives it.
  void set_admission(const Admission& admission) { admission_ = &admission; }
  /// Is it what rules do not decide about?
  bool is_admitting(const Entry& presentity) const {
    return admission_ && admission_->admits(presentity, presentity.aor()).has_value();
  }
  /// Whom `presentity` admits may be others now: every watch is decided anew.
  void admission_changed(Entry& presentity, Now now);

  /// What the rules say now; for somebody who asks, before there is a watch.
  View decide(const Entry& presentity, std::string_view watcher, Now now) const;
  /// What the rules of `presentity` themselves say of `sender`; nothing where none is for that sender.
  std::optional<documents::SubHandling> handling(const Entry& presentity, std::string_view sender,
                                                 Now now) const;
  /// What `watcher` would be shown by `rules`, which may be null; nothing is kept of it. A watcher about whom
  /// it is not known whether it lets the presentity see counts as one that does not.
  struct Preview {
    View view;
    Reason reason;
    SharedText text;  ///< Without <direct>. Null: the watcher would get no document.
  };
  Preview preview(const Entry& presentity, std::string_view watcher, const documents::CompiledRules* rules,
                  Now now) const;
  /// Decides the view of a new watch, so that it can be rendered; `follow` goes on.
  void begin(Watch& watch, Now now);
  /// The sink is notified of changes from here on; it renders the present state itself.
  void follow(Watch& watch, Now now);
  void end(Watch& watch, Now now);

  /// The document of the watch's presentity as its watcher may see it. `secure`: the next hop to the watcher
  /// is encrypted.
  Drawing render(Watch& watch, bool secure, Now now);

  /// What the last `render` of the watch gave is being sent.
  void sent(Watch& watch, Now now);
  /// What the watchers of `owner` are shown, and were before, as far as it is remembered.
  documents::WatchLog log(const std::string& owner) const;
  void forget_log(std::string_view owner);

  /// `published`: when the PUBLISH arrived that changed it, if one did.
  void changed(Entry& presentity, Now now, std::optional<Time> published = {});
  /// The bus reports new rules.
  void rules_changed(Entry& presentity, Now now);
  /// Rules may be newer than what the bus reported.
  void look_at_rules(Entry& presentity, Now now);

  Permits& permits() { return permits_; }
  /// What every watcher that follows or holds a grant is permitted, each AOR once. Valid until something
  /// changes.
  std::vector<std::pair<std::string_view, ds1::Mode>> permits_of(Entry& presentity) const;

  std::size_t size() const { return size_; }
  bool is_idle() const { return rounds_.is_idle(); }
  /// Decisions since the start: what a change of rules costs.
  std::uint64_t decisions() const { return decisions_; }
  /// From the arrival of a PUBLISH until the last watch has been told: its NOTIFY was handed to the network,
  /// or waits for the one in flight. Of several PUBLISHes during one round the first counts.
  const Histogram& latency() const { return latency_; }

 private:
  using ViewPtr = Watch::ViewPtr;
  struct Watched final : Part {
    boost::intrusive::list<Watch, boost::intrusive::member_hook<Watch, decltype(Watch::hook_), &Watch::hook_>,
                           boost::intrusive::constant_time_size<false>>
        all;                         ///< Oldest first; turned by `next`.
    std::vector<ViewPtr> views;      ///< Those of `all`, as far as few differ.
    std::vector<std::string> known;  ///< Watchers whose withheld grants can go now.
    std::vector<std::string> told;   ///< Watchers that let the presentity see, or no longer.
    std::uint64_t version = 0;       ///< `xcap::Documents::rules_version` of the newest rules.
    std::uint64_t rules = 0;         ///< Number of the round that brings them.
    Time published = Time::max();    ///< When the first PUBLISH arrived that a watch has still to be told.
    WallTime rules_end = WallTime::max();  ///< When they may say something else by themselves.
    std::unique_ptr<Timer> edge;           ///< At `rules_end`; made when there is such a time.
    bool asks_for_sphere = false;          ///< The rules do.
    std::string sphere;                    ///< That they were decided with.
    std::uint32_t size = 0;
    std::uint32_t left_to_judge = 0;  ///< At most so many, at the front, have an older view.
    std::uint32_t left_to_tell = 0;   ///< At most so many, at the front, have not heard of the newest state.
    std::uint32_t state = 0;          ///< Number of the newest state.
    bool is_judged = true;            ///< Nothing has to follow the last decision.

    /// Moves the front to the back and gives it, so that a visit may end any of them.
    Watch& next() {
      Watch& front = all.front();
      all.splice(all.end(), all, all.begin());
      return front;
    }
  };
  using Pair = std::pair<const Entry*, std::string_view>;
  static Pair pair_of(const Watch& watch) { return {watch.presentity_.get(), watch.watcher_}; }

  friend class Watch;
  void unlink(Watch& watch);
  void leave_pair(Watch& watch);
  void ask_back(const Watch& watch);
  bool work(Entry& presentity, Slice& slice, Now now);
  void judge(Watch& watch, Watched& part, Now now);
  void judge_all_of(Entry& presentity, std::string_view watcher, Now now);
  void apply(Entry& presentity, Now now);
  void set_permit(const Watch& watch);
  void on_known(Entry& presentity, const std::vector<std::string>& watchers);
  void give_withheld(Entry& presentity, std::string_view watcher, Now now);
  void drop_if_idle(Entry& presentity, Watched& part);
  void note_end(Watch& watch, Now now);
  Drawing render(Watch& watch, const View& view, bool secure);
  ViewPtr share(Watched* part, View view);
  bool is_outdated(const Entry& presentity, const Watched& part, Now now) const;
  void set_rules(Entry& presentity, Watched& part, Now now);
  void judge_all(Entry& presentity, Watched& part, Now now);
  void arm(Entry& presentity, Watched& part, Now now);
  View decide(const Entry& presentity, std::string_view watcher, std::string_view sphere, Watch::Kind kind,
              Now now) const;
  std::string sphere_of(const Entry& presentity, Now now) const;

  Environment& environment_;
  PresenceInformation& information_;
  const xcap::Documents& documents_;
  const Admission* admission_ = nullptr;
  Reciprocity* reciprocity_ = nullptr;
  Slot<Watched> slot_;
  Permits permits_;
  Ledger ledger_;
  ResourceRounds rounds_;
  std::vector<Observer*> observers_;
  KeyedSet<Watch, pair_of> by_pair_;  ///< The first of each watcher of a presentity.
  std::vector<ViewPtr> usual_views_;
  ShownPtr nothing_, pretence_;  ///< What pending watchers, and politely blocked ones, are shown.
  std::size_t size_ = 0;
  std::uint64_t last_rules_ = 0;
  Histogram latency_;
  mutable std::uint64_t decisions_ = 0;
};

}  // namespace beckon::server::presence
