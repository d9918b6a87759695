#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/ds1/ticket.hpp"
#include "server/shard/directory.hpp"

namespace beckon::server::presence {

/// Which watcher is permitted which direct sessions, and whether the presentity knows (DIRECT_SESSIONS 3.7):
/// a presentity is notified of a permit before the watcher gets its grant, and at once when it is lowered.
class Permits {
  struct OfPresentity;

 public:
  /// Notifies a presentity of its permits: its own subscription to watcher information is one.
  class Hearer {
   public:
    virtual ~Hearer();
    Hearer() = default;
    Hearer(const Hearer&) = delete;
    Hearer& operator=(const Hearer&) = delete;
    /// Permits changed that it has not reported.
    virtual void on_permits(Now now) = 0;

   private:
    friend class Permits;
    boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> hook_;
    std::uint64_t heard_ = 0;
  };

  /// The presentity knows the permits of `watchers` now; those set first come first.
  using OnKnown = std::function<void(Entry& presentity, const std::vector<std::string>& watchers, Now now)>;

  Permits(Directory& directory, OnKnown on_known);

  /// `tell` follows, once all changes of one cause are set.
  void set(Entry& presentity, std::string_view watcher, ds1::Mode mode);
  /// Calls the hearers that have not reported the newest changes.
  void tell(Entry& presentity, Now now);
  /// The presentity is not yet notified of the permit of `watcher`: no grant yet. Where nothing reaches the
  /// presentity, nothing is waited for.
  bool is_due(const Entry& presentity, std::string_view watcher) const;

  /// From now on it reports changes; its next document has all permits. Once more: no effect.
  void join(Entry& presentity, Hearer& hearer);
  /// The presentity cannot be reached by it: what it has not reported is no longer waited for.
  void leave(Entry& presentity, Hearer& hearer, Now now);
  bool has_news(const Entry& presentity, const Hearer& hearer) const;
  /// Each watcher whose permit changed since the hearer's last report.
  void each_news(const Entry& presentity, const Hearer& hearer,
                 const std::function<void(const std::string& watcher, ds1::Mode mode)>& visit) const;
  /// It has reported all permits.
  void reported(Entry& presentity, Hearer& hearer, Now now);

 private:
  struct Permit {
    std::string watcher;
    ds1::Mode mode = ds1::Mode::off;
    std::uint64_t change = 0;
  };
  struct OfPresentity final : Part {
    std::list<Permit> permits;  ///< By rising change. One that is `off` stays until all hearers reported it.
    boost::unordered_flat_map<std::string_view, std::list<Permit>::iterator> by_watcher;
    boost::intrusive::list<Hearer,
                           boost::intrusive::member_hook<Hearer, decltype(Hearer::hook_), &Hearer::hook_>,
                           boost::intrusive::constant_time_size<false>>
        hearers;
    std::uint64_t change = 0;  ///< The newest.
    std::uint64_t known = 0;   ///< Up to here all hearers have reported.
  };

  void update_known(Entry& presentity, OfPresentity& part, Now now);
  void drop_if_idle(Entry& presentity, OfPresentity& part);

  Slot<OfPresentity> slot_;
  OnKnown on_known_;
};

}  // namespace beckon::server::presence
