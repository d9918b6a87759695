#include "server/presence/watch.hpp"

#include <algorithm>
#include <boost/unordered/unordered_flat_set.hpp>
#include <tuple>

#include "server/presence/reciprocity.hpp"
#include "server/xcap/documents.hpp"

namespace beckon::server::presence {

namespace {

/// Views kept for sharing: a user has few groups of watchers. Past it they are kept once more.
constexpr std::size_t views_max = 32;

/// A jump of the wall clock is noticed after that time at the latest.
constexpr WallTime::duration edge_wait_max = std::chrono::minutes(10);

}  // namespace

Watch::Watch(Watches& watches, Entry& presentity, std::string_view watcher, Sink& sink, Kind kind)
    : watches_(watches), presentity_(&presentity), watcher_(watcher), sink_(sink), kind_(kind) {}

Watch::~Watch() { watches_.unlink(*this); }

Watches::Watches(Environment& environment, PresenceInformation& information, const xcap::Documents& documents)
    : environment_(environment),
      information_(information),
      documents_(documents),
      slot_(environment.directory().take_slot<Watched>()),
      permits_(environment.directory(), [this](Entry& presentity, const std::vector<std::string>& watchers,
                                               Now) { on_known(presentity, watchers); }),
      ledger_(environment),
      rounds_(environment.timers(), environment.clock(),
              [this](const EntryPtr& presentity, Slice& slice, Now now) {
                return work(*presentity, slice, now);
              }) {
  for (View view : {View{Permission::confirm, {}}, View{Permission::allow, everything()},
                    View{Permission::polite_block, {}}, View{Permission::block, {}}})
    usual_views_.emplace_back(new Watch::SharedView(std::move(view)));
  nothing_ = new Shown("pending", "nothing", 0);
  pretence_ = new Shown("polite-block", "closed", 0);
}

Watches::~Watches() = default;

/// As far as the rules ask for it.
std::string Watches::sphere_of(const Entry& presentity, Now now) const {
  const Watched* part = presentity.find(slot_);
  if (part && part->rules != 0 && !is_outdated(presentity, *part, now)) return part->sphere;
  const documents::CompiledRules* rules = documents_.rules(presentity);
  return rules && rules->ask_for_sphere() ? information_.sphere(presentity, now.wall).value : std::string();
}

View Watches::decide(const Entry& presentity, std::string_view watcher, Now now) const {
  return decide(presentity, watcher, sphere_of(presentity, now), Watch::Kind::watching, now);
}

std::optional<documents::SubHandling> Watches::handling(const Entry& presentity, std::string_view sender,
                                                        Now now) const {
  const documents::CompiledRules* rules = documents_.rules(presentity);
  if (!rules) return std::nullopt;
  const std::string sphere = sphere_of(presentity, now);
  // Nobody is kept from calling because it is not known yet whether it lets the presentity see.
  const bool lets = lets_see(presentity, sender).value_or(true);
  return rules->decide({.aor = sender, .now = now.wall, .sphere = sphere, .lets_see = lets}).handling;
}

std::optional<bool> Watches::lets_see(const Entry& presentity, std::string_view watcher) const {
  return reciprocity_ ? reciprocity_->lets_see(presentity, watcher) : std::optional(false);
}

/// A watcher about whom it is not known yet whether it lets the presentity see waits, rather than to be
/// refused for good.
View Watches::decide(const Entry& presentity, std::string_view watcher, std::string_view sphere,
                     Watch::Kind kind, Now now) const {
  ++decisions_;
  if (const auto admits = admission_ ? admission_->admits(presentity, watcher) : std::nullopt)
    return *admits ? View{Permission::allow, everything()} : View{Permission::block, {}};
  const documents::CompiledRules* rules = documents_.rules(presentity);
  const auto judge_as = [&](bool lets) {
    return presence::decide(environment_.settings(), rules, presentity.aor(), watcher, now.wall, sphere,
                            lets);
  };
  if (kind == Watch::Kind::asked_back) return judge_as(true);
  if (!rules || !rules->ask_for_reciprocity()) return judge_as(false);
  const auto lets = lets_see(presentity, watcher);
  View view = judge_as(lets.value_or(false));
  const bool waits =
      !lets && view.permission == Permission::block && judge_as(true).permission != Permission::block;
  return waits ? View{Permission::confirm, {}} : view;
}

Watches::ViewPtr Watches::share(Watched* part, View view) {
  const auto is_equal = [&](const ViewPtr& known) { return known->view == view; };
  if (const auto usual = std::ranges::find_if(usual_views_, is_equal); usual != usual_views_.end())
    return *usual;
  if (!part) return new Watch::SharedView(std::move(view));
  auto& views = part->views;
  if (const auto known = std::ranges::find_if(views, is_equal); known != views.end()) return *known;
  std::erase_if(views, [](const ViewPtr& known) { return known->use_count() == 1; });
  if (views.size() >= views_max) views.erase(views.begin());
  return views.emplace_back(new Watch::SharedView(std::move(view)));
}

void Watches::begin(Watch& watch, Now now) {
  const Entry& presentity = *watch.presentity_;
  watch.view_ = share(presentity.find(slot_),
                      decide(presentity, watch.watcher_, sphere_of(presentity, now), watch.kind_, now));
}

void Watches::follow(Watch& watch, Now now) {
  Entry& presentity = *watch.presentity_;
  Watched& part = presentity.get(slot_);
  if (part.rules == 0) set_rules(presentity, part, now);
  // A round that is not over, or not begun, judges it once more.
  watch.rules_ = is_outdated(presentity, part, now) ? 0 : part.rules;
  watch.state_ = part.state;
  part.all.push_back(watch);
  ++part.size;
  ++size_;
  if (watch.kind_ == Watch::Kind::asked_back) return;
  if (Watch* last = by_pair_.find(pair_of(watch))) {
    while (last->next_of_pair_) last = last->next_of_pair_;
    last->next_of_pair_ = &watch;
  } else {
    by_pair_.insert(watch);
  }
  set_permit(watch);
  permits_.tell(presentity, now);
  ask_back(watch);
}

void Watches::unlink(Watch& watch) {
  if (!watch.is_followed()) return;
  if (watch.kind_ == Watch::Kind::watching) leave_pair(watch);
  watch.hook_.unlink();
  --size_;
  Watched& part = *watch.presentity_->find(slot_);
  --part.size;
  drop_if_idle(*watch.presentity_, part);
}

void Watches::leave_pair(Watch& watch) {
  Watch* next = std::exchange(watch.next_of_pair_, nullptr);
  Watch* first = by_pair_.find(pair_of(watch));
  if (first != &watch) {
    while (first->next_of_pair_ != &watch) first = first->next_of_pair_;
    first->next_of_pair_ = next;
    return;
  }
  by_pair_.erase(watch);
  if (next) by_pair_.insert(*next);
}

void Watches::end(Watch& watch, Now now) {
  note_end(watch, now);
  if (!watch.is_followed()) return;
  Entry& presentity = *watch.presentity_;
  unlink(watch);
  if (watch.kind_ == Watch::Kind::asked_back) return;
  if (reciprocity_ && !by_pair_.find(pair_of(watch))) reciprocity_->forget(presentity, watch.watcher_);
  set_permit(watch);
  permits_.tell(presentity, now);
}

/// A round in progress ends by itself, as something may have to follow it.
void Watches::drop_if_idle(Entry& presentity, Watched& part) {
  if (part.size == 0 && part.is_judged) presentity.drop(slot_);
}

/// All watches of one watcher have the same view.
void Watches::set_permit(const Watch& watch) {
  const bool follows = by_pair_.find(pair_of(watch)) != nullptr;
  permits_.set(*watch.presentity_, watch.watcher_, follows ? watch.view().direct() : ds1::Mode::off);
}

/// Where the rules ask for it.
void Watches::ask_back(const Watch& watch) {
  if (watch.kind_ == Watch::Kind::asked_back) return;
  const documents::CompiledRules* rules = documents_.rules(*watch.presentity_);
  if (rules && rules->ask_for_reciprocity()) reciprocity_->ask(*watch.presentity_, watch.watcher_);
}

void Watches::told_back(Entry& presentity, const std::string& watcher, Now) {
  Watched* part = presentity.find(slot_);
  if (!part) return;
  // What was let through is not drawn any more, whenever the round comes.
  for (Watch* each = by_pair_.find({&presentity, watcher}); each; each = each->next_of_pair_)
    each->rules_ = 0;
  part->told.push_back(watcher);
  part->is_judged = false;
  rounds_.start(presentity.ptr());
}

void Watches::on_known(Entry& presentity, const std::vector<std::string>& watchers) {
  Watched* part = presentity.find(slot_);
  if (!part) return;
  for (const std::string& watcher : watchers)
    for (const Watch* each = by_pair_.find({&presentity, watcher}); each; each = each->next_of_pair_)
      if (each->is_withheld_) {
        part->known.push_back(watcher);
        break;
      }
  if (!part->known.empty()) rounds_.start(presentity.ptr());
}

void Watches::give_withheld(Entry& presentity, std::string_view watcher, Now now) {
  // A sink may end its watch, and no other.
  for (Watch* each = by_pair_.find({&presentity, watcher}); each;) {
    Watch* next = each->next_of_pair_;
    if (std::exchange(each->is_withheld_, false)) each->sink_.on_state(*each, now);
    each = next;
  }
}

// Changes

void Watches::changed(Entry& presentity, Now now, std::optional<Time> published) {
  Watched* part = presentity.find(slot_);
  if (!part) return;
  if (published) part->published = std::min(part->published, *published);
  if (part->asks_for_sphere && !is_outdated(presentity, *part, now)) {
    const auto sphere = information_.sphere(presentity, now.wall);
    const bool is_same = sphere.value == part->sphere;
    part->rules_end =
        is_same ? std::min(next_change(documents_.rules(presentity), now.wall), sphere.next) : now.wall;
    if (is_same) arm(presentity, *part, now);
  }
  ++part->state;
  part->left_to_tell = part->size;
  look_at_rules(presentity, now);
  if (presentity.find(slot_)) rounds_.start(presentity.ptr());
}

bool Watches::is_outdated(const Entry& presentity, const Watched& part, Now now) const {
  return part.version != documents_.rules_version(presentity) || now.wall >= part.rules_end;
}

void Watches::set_rules(Entry& presentity, Watched& part, Now now) {
  const documents::CompiledRules* rules = documents_.rules(presentity);
  part.version = documents_.rules_version(presentity);
  part.rules = ++last_rules_;
  part.rules_end = next_change(rules, now.wall);
  part.asks_for_sphere = rules && rules->ask_for_sphere();
  part.sphere.clear();
  if (part.asks_for_sphere) {
    auto sphere = information_.sphere(presentity, now.wall);
    part.sphere = std::move(sphere.value);
    part.rules_end = std::min(part.rules_end, sphere.next);
  }
  arm(presentity, part, now);
}

void Watches::arm(Entry& presentity, Watched& part, Now now) {
  if (part.rules_end == WallTime::max()) return part.edge.reset();
  const auto wait = std::clamp(part.rules_end - now.wall, WallTime::duration::zero(), edge_wait_max);
  if (!part.edge) part.edge = std::make_unique<Timer>(environment_.timers());
  part.edge->set(now.mono + wait, [this, &presentity](Time) {
    const EntryPtr kept = presentity.ptr();
    const Now at = environment_.clock().now();
    Watched& due = *presentity.find(slot_);
    is_outdated(presentity, due, at) ? look_at_rules(presentity, at) : arm(presentity, due, at);
  });
}

void Watches::rules_changed(Entry& presentity, Now now) {
  const EntryPtr kept = presentity.ptr();
  if (!presentity.find(slot_)) return apply(presentity, now);
  look_at_rules(presentity, now);
}

void Watches::look_at_rules(Entry& presentity, Now now) {
  Watched* part = presentity.find(slot_);
  if (part && is_outdated(presentity, *part, now)) judge_all(presentity, *part, now);
}

void Watches::admission_changed(Entry& presentity, Now now) {
  if (Watched* part = presentity.find(slot_)) judge_all(presentity, *part, now);
}

void Watches::judge_all(Entry& presentity, Watched& part, Now now) {
  set_rules(presentity, part, now);
  part.left_to_judge = part.size;
  part.is_judged = false;
  rounds_.start(presentity.ptr());
}

/// First every watch gets its new view, then the watchers are notified of the state: what was taken back is
/// not shown once more, and the presentity gets its permits in one document.
bool Watches::work(Entry& presentity, Slice& slice, Now now) {
  while (Watched* part = presentity.find(slot_)) {
    if (part->left_to_judge != 0 && part->size != 0) {
      if (!slice.take()) return true;
      --part->left_to_judge;
      judge(part->next(), *part, now);
    } else if (!part->told.empty()) {
      if (!slice.take()) return true;
      const std::string watcher = std::move(part->told.back());
      part->told.pop_back();
      judge_all_of(presentity, watcher, now);
    } else if (!part->is_judged) {
      part->left_to_judge = 0;
      part->is_judged = true;
      if (part->left_to_tell != 0) part->left_to_tell = part->size;  // they are no longer those at the front
      drop_if_idle(presentity, *part);
      apply(presentity, now);
    } else if (!part->known.empty()) {
      if (!slice.take()) return true;
      const std::string watcher = std::move(part->known.back());
      part->known.pop_back();
      give_withheld(presentity, watcher, now);
    } else if (part->left_to_tell != 0 && part->size != 0) {
      if (!slice.take()) return true;
      --part->left_to_tell;
      Watch& watch = part->next();
      if (std::exchange(watch.state_, part->state) != part->state) watch.sink_.on_state(watch, now);
    } else {
      part->left_to_tell = 0;
      if (const Time published = std::exchange(part->published, Time::max()); published != Time::max())
        latency_.add(environment_.clock().measure() - published);
      return false;
    }
  }
  return false;
}

void Watches::judge(Watch& watch, Watched& part, Now now) {
  if (std::exchange(watch.rules_, part.rules) == part.rules) return;
  ask_back(watch);
  View view = decide(*watch.presentity_, watch.watcher_, part.sphere, watch.kind_, now);
  if (view == watch.view()) return;
  const ViewPtr before = std::exchange(watch.view_, share(&part, std::move(view)));
  if (watch.kind_ == Watch::Kind::watching) set_permit(watch);
  watch.state_ = part.state;  // what it renders with its new view
  watch.sink_.on_view(watch, before->view, now);
}

void Watches::judge_all_of(Entry& presentity, std::string_view watcher, Now now) {
  // A sink may end its watch, and no other.
  for (Watch* each = by_pair_.find({&presentity, watcher}); each;) {
    Watch* next = each->next_of_pair_;
    judge(*each, *presentity.find(slot_), now);
    each = next;
  }
}

void Watches::apply(Entry& presentity, Now now) {
  for (Observer* observer : observers_) observer->on_rules_applied(presentity, now);
  permits_.tell(presentity, now);
}

// Documents

Drawing Watches::render(Watch& watch, bool secure, Now now) {
  watch.is_withheld_ = false;
  Entry& presentity = *watch.presentity_;
  const bool follows = watch.is_followed();
  const Watched* part = follows ? presentity.find(slot_) : nullptr;
  // Rules that a round has not brought to this watch yet hold already.
  if (!part || part->rules != watch.rules_ || is_outdated(presentity, *part, now)) {
    View fresh = decide(presentity, watch.watcher_, now);
    // The presentity has not heard of a permit that the round has still to set (DIRECT_SESSIONS 3.7).
    fresh.what.direct = std::min(fresh.what.direct, watch.view().direct());
    if (fresh != watch.view()) return render(watch, fresh, secure);
  }
  return render(watch, watch.view(), secure);
}

Drawing Watches::render(Watch& watch, const View& view, bool secure) {
  Entry& presentity = *watch.presentity_;
  watch.drawn_ = nothing_;
  if (view.permission == Permission::confirm || view.permission == Permission::block) return {};
  watch.drawn_ = pretence_;
  if (view.permission == Permission::polite_block)
    return {beckon::share(PresenceInformation::render_nothing(presentity.aor()))};
  const std::string watcher(watch.watcher_);
  const auto draw = [&](const documents::Transformations& what) {
    Drawing drawing = information_.render(presentity, what, secure, watcher);
    watch.drawn_ = drawing.shown;
    return drawing;
  };
  if (view.what.direct == ds1::Mode::off) return draw(view.what);
  // Without a password the watcher is whoever From names, and is granted nothing; nor is one that does not
  // follow, as no permit is kept for it.
  watch.is_withheld_ = watch.is_followed() && permits_.is_due(presentity, watcher);
  const bool granted = watch.is_followed() && !watch.is_withheld_ &&
                       environment_.settings().authentication != Authentication::none;
  if (granted) return draw(view.what);
  documents::Transformations what = view.what;
  what.direct = ds1::Mode::off;
  return draw(what);
}

Watches::Preview Watches::preview(const Entry& presentity, std::string_view watcher,
                                  const documents::CompiledRules* rules, Now now) const {
  const Settings& settings = environment_.settings();
  const bool asks = rules && rules->ask_for_sphere();
  const std::string sphere = asks ? information_.sphere(presentity, now.wall).value : std::string();
  const bool lets = lets_see(presentity, watcher).value_or(false);
  Preview preview{
      .view = presence::decide(settings, rules, presentity.aor(), watcher, now.wall, sphere, lets),
      .reason = reason_of(settings, rules, presentity.aor(), watcher, now.wall, sphere, lets),
      .text = {}};
  if (preview.view.permission == Permission::allow)
    preview.text = information_.preview(presentity, preview.view.what);
  if (preview.view.permission == Permission::polite_block)
    preview.text = beckon::share(PresenceInformation::render_nothing(presentity.aor()));
  return preview;
}

// What they were shown

void Watches::sent(Watch& watch, Now now) {
  if (!watch.drawn_ || (watch.shown_ && watch.shown_->is_same(*watch.drawn_))) return;
  note_end(watch, now);
  watch.shown_ = watch.drawn_;
  watch.shown_since_ = now.wall;
}

void Watches::note_end(Watch& watch, Now now) {
  if (!watch.shown_) return;
  ledger_.add(*watch.presentity_, watch.watcher_, std::move(watch.shown_), watch.shown_since_, now.wall);
  watch.shown_ = nullptr;
}

void Watches::forget_log(std::string_view owner) {
  if (const EntryPtr presentity = environment_.directory().find(owner)) ledger_.forget(*presentity);
}

documents::WatchLog Watches::log(const std::string& owner) const {
  documents::WatchLog log{.entity = owner};
  const EntryPtr presentity = environment_.directory().find(owner);
  if (!presentity) return log;
  ledger_.print(*presentity, log.lines);
  if (const Watched* part = presentity->find(slot_))
    for (const Watch& watch : part->all)
      if (watch.shown_)
        log.lines.push_back(line_of(watch.watcher_, *watch.shown_, watch.shown_since_, std::nullopt));
  const auto key_of = [](const documents::WatchLog::Line& line) {
    return std::tuple(std::string_view(line.from), line.until.empty(), std::string_view(line.until));
  };
  std::ranges::sort(log.lines, [&](const auto& a, const auto& b) { return key_of(a) < key_of(b); });
  return log;
}

std::vector<std::pair<std::string_view, ds1::Mode>> Watches::permits_of(Entry& presentity) const {
  std::vector<std::pair<std::string_view, ds1::Mode>> permits;
  boost::unordered_flat_set<std::string_view> known;
  const auto add = [&](std::string_view aor, ds1::Mode mode) {
    if (known.insert(aor).second) permits.emplace_back(aor, mode);
  };
  if (const Watched* part = presentity.find(slot_)) {
    known.reserve(part->size);
    permits.reserve(part->size);
    for (const Watch& watch : part->all)
      if (watch.kind_ == Watch::Kind::watching) add(watch.watcher_, watch.view().direct());
  }
  information_.each_grant_holder(presentity, [&](const std::string& aor) { add(aor, ds1::Mode::off); });
  return permits;
}

}  // namespace beckon::server::presence
