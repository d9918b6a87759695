#include "server/presence/information.hpp"

#include <algorithm>
#include <functional>

#include "protocol/base/text.hpp"
#include "protocol/documents/pidf.hpp"
#include "server/presence/clock.hpp"
#include "server/presence/filter.hpp"

namespace beckon::server::presence {

using documents::Presence;
using publication::device_of;

namespace {

/// Renderings kept for one state: a user has few groups of watchers. More are drawn when asked for.
constexpr std::size_t renderings_max = 32;

/// A jump of the wall clock is noticed after that time at the latest.
constexpr WallTime::duration wait_max = std::chrono::minutes(10);

constexpr std::array<std::string_view, 2> types{documents::pidf_type, documents::cpim_pidf_type};

/// Grows with each element: what a filter took out makes it smaller.
std::size_t elements_of(const Presence& presence) {
  std::size_t count = presence.tuples.size() + presence.persons.size() + presence.devices.size() +
                      presence.notes.size() + presence.extensions.size();
  for (const documents::Tuple& tuple : presence.tuples)
    count += tuple.notes.size() + tuple.extensions.size() + tuple.status_extensions.size() +
             (tuple.contact ? 1U : 0U);
  for (const auto* components : {&presence.persons, &presence.devices})
    for (const documents::Component& component : *components)
      count += component.notes.size() + component.extensions.size();
  return count;
}

/// Octets of activities in words: the log keeps many lines, and a device may publish names of any length.
constexpr std::size_t words_max = 200;

/// "open, 2 devices, busy, note, direct offer"
std::string words_of(const Presence& presence, bool has_direct) {
  const auto is_open = [](const documents::Tuple& tuple) { return tuple.basic == documents::Basic::open; };
  const auto open = std::ranges::count_if(presence.tuples, is_open);
  std::string words = open != 0 ? "open" : "closed";
  if (open > 1) words += ", " + std::to_string(open) + " devices";
  bool has_note = !presence.notes.empty();
  for (const documents::Tuple& tuple : presence.tuples) has_note = has_note || !tuple.notes.empty();
  for (const documents::Person& person : presence.persons) {
    for (const std::string& activity : documents::activities(person))
      if (words.size() + activity.size() <= words_max) words += ", " + activity;
    has_note = has_note || !person.notes.empty();
  }
  if (has_note) words += ", note";
  if (has_direct) words += ", direct offer";
  return words;
}

}  // namespace

PresenceInformation::PresenceInformation(Environment& environment, publication::Publications& publications,
                                         registrar::Registrar& registrar, OnChange on_change)
    : environment_(environment),
      publications_(publications),
      registrar_(registrar),
      on_change_(std::move(on_change)),
      slot_(environment.directory().take_slot<Rendered>()) {
  publications.add(*this);
  registrar.observe(*this);
}

// Changes

std::span<const std::string_view> PresenceInformation::content_types() const { return types; }

publication::Reading PresenceInformation::read(Entry& presentity, std::string_view body,
                                               const Request& request) {
  const Arrival arrival{.secure = transaction::is_secure(request.from.protocol),
                        .requires_direct = request.message.lists(sip::HeaderId::require, option_tag()),
                        .flow = request.from.flow,
                        .at = request.now.wall};
  const bool is_watched = presentity.find(slot_) != nullptr;
  return read_document(body, arrival, size_max(), is_watched);
}

publication::Reading PresenceInformation::restore(std::string_view stored) {
  return restore_document(stored, size_max());
}

/// When the presentity was last available, where its devices tell such things.
std::string PresenceInformation::farewell(const publication::State& last, WallTime seen) const {
  return static_cast<const Document&>(last).tells_last_input() ? print_time(seen) : std::string();
}

void PresenceInformation::on_changed(Entry& presentity, Now now, std::optional<Time> published) {
  changed(presentity, now, published);
}

void PresenceInformation::calls_changed(Entry& presentity, Now now, std::optional<Time> published) {
  const bool on_the_phone = is_on_the_phone(presentity);
  const Rendered* rendered = presentity.find(slot_);
  // A document that shows a call is kept.
  if (rendered ? rendered->on_the_phone != on_the_phone : on_the_phone) changed(presentity, now, published);
}

void PresenceInformation::arm(Entry& presentity, Rendered& rendered) {
  if (rendered.next == WallTime::max()) return rendered.timer.reset();
  const Now now = environment_.clock().now();
  const auto wait = std::clamp(rendered.next - now.wall, WallTime::duration::zero(), wait_max);
  if (!rendered.timer) rendered.timer = std::make_unique<Timer>(environment_.timers());
  rendered.timer->set(now.mono + wait, [this, &presentity](Time) {
    const EntryPtr kept = presentity.ptr();
    Rendered& due = *presentity.find(slot_);
    const Now at = environment_.clock().now();
    at.wall < due.next ? arm(presentity, due) : changed(presentity, at);
  });
}

void PresenceInformation::changed(Entry& presentity, Now now, std::optional<Time> published) {
  const EntryPtr kept = presentity.ptr();
  if (Rendered* rendered = presentity.find(slot_)) {
    rendered->renderings.clear();
    rendered->next = WallTime::max();
    rendered->timer.reset();
  }
  on_change_(presentity, now, published);
  const Rendered* rendered = presentity.find(slot_);
  if (rendered && rendered->renderings.empty()) presentity.drop(slot_);  // nobody asked
}

void PresenceInformation::on_bindings_changed(Entry& presentity, registrar::BindingEvent event,
                                              const registrar::Binding& changed_binding,
                                              const std::vector<registrar::Binding>&, Now now) {
  using registrar::BindingEvent;
  bool is_changed;
  if (const Rendered* rendered = presentity.find(slot_)) {
    is_changed = rendered->shown != shown_bindings(presentity);
  } else {
    // Nothing is kept to compare with.
    is_changed = event != BindingEvent::refreshed && event != BindingEvent::shortened &&
                 !publications_.has_published(presentity, *this, device_of(changed_binding));
  }
  if (is_changed)
    changed(presentity, now);
  else if (!has_state(presentity))
    presentity.drop(slot_);  // the last device leaves, which was not shown
}

// State

bool PresenceInformation::has_state(const Entry& presentity) const {
  return publications_.has_any(presentity, *this) || !registrar_.bindings(presentity).empty() ||
         is_on_the_phone(presentity) || !publications_.farewell(presentity, *this).empty() ||
         (hard_state_ && hard_state_->hard_state(presentity));
}

bool PresenceInformation::is_on_the_phone(const Entry& presentity) const {
  return calls_ && calls_->is_on_the_phone(presentity);
}

std::vector<Source> PresenceInformation::sources(const Entry& presentity) const {
  std::vector<Source> all;
  publications_.each(presentity, *this,
                     [&](const event::Publication& publication, const publication::State& state) {
                       all.push_back({publication.number, static_cast<const Document*>(&state)});
                     });
  if (shows_hard_state(presentity)) all.push_back({0, hard_state_->hard_state(presentity)});
  return all;
}

/// Hard state is shown where there is no soft state (RFC 3903 3).
bool PresenceInformation::shows_hard_state(const Entry& presentity) const {
  return hard_state_ && hard_state_->hard_state(presentity) && !publications_.has_any(presentity, *this) &&
         silent_bindings(presentity).empty();
}

std::vector<const registrar::Binding*> PresenceInformation::silent_bindings(const Entry& presentity) const {
  std::vector<const registrar::Binding*> silent;
  for (const registrar::Binding& binding : registrar_.bindings(presentity))
    if (!publications_.has_published(presentity, *this, device_of(binding))) silent.push_back(&binding);
  return silent;
}

/// A digest of what the bindings add to the state.
std::uint64_t PresenceInformation::shown_bindings(const Entry& presentity) const {
  std::string text;
  for (const registrar::Binding* binding : silent_bindings(presentity))
    text += std::to_string(device_of(*binding)) + '\n';
  return publication::shorten(text);
}

Composition PresenceInformation::compose(const Entry& presentity, Names& names,
                                         const documents::Transformations* what) const {
  const Circumstances circumstances{.now = environment_.clock().now().wall,
                                    .on_the_phone = is_on_the_phone(presentity),
                                    .last_seen = publications_.farewell(presentity, *this),
                                    .what = what};
  return presence::compose(presentity.aor(), sources(presentity), silent_bindings(presentity), circumstances,
                           names);
}

Standing PresenceInformation::standing(const Entry& presentity) const {
  Names names;
  return standing_of(compose(presentity, names).presence);
}

Standing PresenceInformation::wishes(const Entry& presentity) const {
  const auto all = sources(presentity);
  const bool may_be = std::ranges::any_of(all, [](const Source& source) {
    const std::string_view text = source.document->text();
    return text.find("other") != std::string_view::npos || text.find("busy") != std::string_view::npos;
  });
  return may_be ? standing(presentity) : Standing();
}

PresenceInformation::Sphere PresenceInformation::sphere(const Entry& presentity, WallTime now) const {
  Sphere sphere;
  Spheres spheres;
  for (const Source& source : sources(presentity)) {
    if (source.document->text().find("sphere") == std::string_view::npos) continue;
    documents::Presence one = source.document->parse();
    sphere.next = std::min(sphere.next, apply_clock(one, now));
    spheres.add(one);
  }
  sphere.value = spheres.value();
  return sphere;
}

PresenceInformation::Rendering PresenceInformation::draw(const Entry& presentity,
                                                         const documents::Transformations& what,
                                                         bool secure) const {
  Names names;
  Composition all = compose(presentity, names, &what);
  std::unordered_map<std::string, ds1::Mode> modes;
  for (documents::Tuple& tuple : all.presence.tuples) {
    const auto origin = all.offers.find(tuple.id);
    if (origin == all.offers.end()) continue;
    const DirectOffer* offer = secure ? find_offer(presentity, origin->second) : nullptr;
    const ds1::Mode mode = offer ? std::min(offer->published().mode, what.direct) : ds1::Mode::off;
    if (mode == ds1::Mode::off) {
      documents::remove_direct(tuple);
      continue;
    }
    for (xml::Fragment& element : tuple.status_extensions)
      if (documents::is_direct(element)) element = documents::lower(element, mode);
    modes[tuple.id] = mode;
  }
  const std::size_t elements = elements_of(all.presence);
  filter(all.presence, what);
  auto printed = documents::print_with_grant_places(all.presence);
  Rendering rendering{what, secure, share(printed.text), {}, nullptr, all.next};
  rendering.shown =
      new Shown(!all.is_selection && elements_of(all.presence) == elements ? "all" : "filtered",
                words_of(all.presence, !printed.grants.empty()), publication::shorten(*rendering.text));
  for (const auto& place : printed.grants)
    rendering.places.push_back({place.offset, all.offers.at(place.tuple_id), modes.at(place.tuple_id)});
  return rendering;
}

const PresenceInformation::Rendering& PresenceInformation::rendering(Entry& presentity,
                                                                     const documents::Transformations& what,
                                                                     bool secure) {
  Rendered& rendered = presentity.get(slot_);
  auto& renderings = rendered.renderings;
  const bool is_late = rendered.next != WallTime::max() && environment_.clock().now().wall >= rendered.next;
  if (is_late) {
    renderings.clear();
    arm(presentity, rendered);  // the wall clock may have jumped over that time
  }
  const auto known = std::ranges::find_if(
      renderings, [&](const Rendering& one) { return one.secure == secure && one.what == what; });
  if (known != renderings.end()) return *known;
  std::size_t octets = 0;
  for (const Rendering& one : renderings) octets += one.text->size();
  if (renderings.size() >= renderings_max || octets > environment_.settings().document_octets_per_presentity)
    renderings.clear();
  rendered.shown = shown_bindings(presentity);
  rendered.on_the_phone = is_on_the_phone(presentity);
  // Where time alone changed what others were shown, their timer still has to say so.
  renderings.push_back(draw(presentity, what, secure));
  if (const WallTime next = renderings.back().next; !is_late && next != rendered.next) {
    rendered.next = next;
    arm(presentity, rendered);
  }
  return renderings.back();
}

Drawing PresenceInformation::render(Entry& presentity, const documents::Transformations& what, bool secure,
                                    const std::string& watcher) {
  // Of a presentity that is not there nothing is kept for its watchers either.
  if (!has_state(presentity)) {
    Rendering drawn = draw(presentity, what, secure);
    return {.text = std::move(drawn.text), .shown = std::move(drawn.shown)};
  }
  return fill(presentity, rendering(presentity, what, secure), watcher);
}

SharedText PresenceInformation::preview(const Entry& presentity,
                                        const documents::Transformations& what) const {
  return draw(presentity, what, /*secure=*/false).text;
}

/// Puts the watcher's grants into their places.
Drawing PresenceInformation::fill(const Entry& presentity, const Rendering& shared,
                                  const std::string& watcher) {
  if (shared.places.empty()) return {shared.text, shared.shown, shared.text};
  std::string text;
  std::size_t grants = 1;
  std::size_t from = 0;
  for (const auto& place : shared.places) {
    text.append(*shared.text, from, place.offset - from);
    if (DirectOffer* offer = find_offer(presentity, place.origin)) {
      const auto grant = offer->grant(watcher, place.mode, environment_.random());
      text += grant;
      grants = grants * 31 + std::hash<std::string_view>()(grant);
    }
    from = place.offset;
  }
  text.append(*shared.text, from);
  return {share(text), shared.shown, shared.text, std::max<std::size_t>(grants, 1)};
}

DirectOffer* PresenceInformation::find_offer(const Entry& presentity,
                                             const Composition::Origin& origin) const {
  DirectOffer* found = nullptr;
  publications_.each(presentity, *this,
                     [&](const event::Publication& publication, publication::State& state) {
                       const auto offers = static_cast<Document&>(state).offers();
                       if (publication.number == origin.publication && origin.offer < offers.size())
                         found = &offers[origin.offer].direct;
                     });
  return found;
}

std::string PresenceInformation::render_nothing(std::string_view aor) {
  return documents::print(closed_presence(aor));
}

void PresenceInformation::each_grant_holder(const Entry& presentity,
                                            const std::function<void(const std::string&)>& visit) const {
  publications_.each(presentity, *this, [&](const event::Publication&, const publication::State& state) {
    for (const auto& offer : static_cast<const Document&>(state).offers()) offer.direct.each_holder(visit);
  });
}

std::size_t PresenceInformation::size() const {
  std::size_t size = 0;
  environment_.directory().each([&](Entry& entry) { size += entry.find(slot_) != nullptr; });
  return size;
}

Table PresenceInformation::table() const {
  Table table{.name = "PIT", .rows = {}};
  publications_.each_presentity([&](Entry& presentity) {
    Names names;
    const Composition all = compose(presentity, names);
    for (const documents::Tuple& tuple : all.presence.tuples) {
      const auto direct = documents::find_direct(tuple);
      std::string media, codecs, port;
      for (const auto& kind : direct ? direct->media : std::vector<documents::Media>()) {
        media += (media.empty() ? "" : ",") + std::string(to_string(kind.kind));
        for (const auto& codec : kind.codecs) codecs += (codecs.empty() ? "" : ",") + codec.name;
      }
      if (direct && !direct->candidates.empty())
        port = std::to_string(direct->candidates.front().address.port);
      table.rows.push_back({{"id", presentity.aor() + ' ' + tuple.id},
                            {"status", tuple.basic ? documents::to_string(*tuple.basic) : ""},
                            {"contact", tuple.contact ? tuple.contact->uri : ""},
                            {"note", tuple.notes.empty() ? "" : tuple.notes.front().text},
                            {"timestamp", tuple.timestamp},
                            {"media", media},
                            {"port", port},
                            {"codec", codecs},
                            {"direct_mode", direct ? ds1::to_string(direct->mode) : ""}});
    }
  });
  return table;
}

}  // namespace beckon::server::presence
