#include "server/presence/clock.hpp"

#include <algorithm>
#include <map>

#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/rpid.hpp"

namespace beckon::server::presence {

using documents::TimedStatus;
using documents::Tuple;

namespace {

class ClockPass {
 public:
  explicit ClockPass(WallTime now) : now_(now) {}

  void pass(std::vector<xml::Fragment>& extensions) {
    std::erase_if(extensions, [this](const xml::Fragment& element) {
      if (element.ns != documents::ns::rpid) return false;
      const auto interval = documents::interval_of(element);
      note(interval);
      return !interval.covers(now_);
    });
  }

  void pass(Tuple& tuple) {
    pass(tuple.extensions);
    std::multimap<WallTime, TimedStatus> present;  // by its beginning
    std::erase_if(tuple.extensions, [&](const xml::Fragment& element) {
      auto timed = documents::parse_timed_status(element);
      if (!timed) return false;
      note(timed->interval);
      if (timed->interval.from > now_) return false;
      if (timed->interval.covers(now_)) present.emplace(timed->interval.from, std::move(*timed));
      return true;
    });
    for (auto& [from, timed] : present) apply(std::move(timed), tuple);
  }

  WallTime next() const {
    return next_ == WallTime::max() ? next_ : std::chrono::ceil<std::chrono::seconds>(next_);
  }

 private:
  void note(const documents::Interval& interval) { next_ = std::min(next_, interval.next(now_)); }

  static void apply(TimedStatus&& timed, Tuple& tuple) {
    if (timed.basic) tuple.basic = timed.basic;
    if (!timed.notes.empty()) tuple.notes = std::move(timed.notes);
    for (xml::Fragment& element : timed.extensions) {
      std::erase_if(tuple.status_extensions,
                    [&](const xml::Fragment& old) { return old.is(element.ns, element.name); });
      tuple.status_extensions.push_back(std::move(element));
    }
  }

  WallTime now_;
  WallTime next_ = WallTime::max();
};

}  // namespace

WallTime apply_clock(documents::Presence& presence, WallTime now) {
  ClockPass clock(now);
  for (Tuple& tuple : presence.tuples) clock.pass(tuple);
  for (auto* components : {&presence.persons, &presence.devices})
    for (documents::Component& component : *components) clock.pass(component.extensions);
  return clock.next();
}

}  // namespace beckon::server::presence
