#include "server/presence/presentity.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"
#include "protocol/crypto/crypto.hpp"
#include "server/presence/filter.hpp"

namespace beckon::server::presence {

using documents::Basic;
using documents::Component;
using documents::Presence;
using documents::Tuple;

namespace {

/// Renderings kept for one version: a user has few groups of watchers. More are drawn when asked for.
constexpr std::size_t renderings_max = 32;

/// A short name made of `text`, the same each time, that may stand in an xs:ID.
std::string short_hash(std::string_view text) {
  return to_hex(crypto::hash(crypto::Hash::sha256, as_bytes(text))).substr(0, 8);
}

Tuple closed_tuple() {
  Tuple tuple;
  tuple.id = "offline";
  tuple.basic = Basic::closed;
  return tuple;
}

std::uint16_t priority_of(double q) {
  return static_cast<std::uint16_t>(std::clamp(q, 0.0, 1.0) * 1000.0 + 0.5);
}

/// Of two with one id the later one speaks (RFC 4479 3.4 leaves the choice to the compositor).
void unite_components(std::vector<Component>& all, const std::vector<Component>& more) {
  for (const Component& component : more) {
    const auto twin = std::find_if(all.begin(), all.end(),
                                   [&](const Component& other) { return other.id == component.id; });
    if (twin == all.end())
      all.push_back(component);
    else if (parse_time(component.timestamp) >= parse_time(twin->timestamp))
      *twin = component;
  }
}

template <class T>
void unite_values(std::vector<T>& all, const std::vector<T>& more) {
  for (const T& value : more)
    if (std::find(all.begin(), all.end(), value) == all.end()) all.push_back(value);
}

}  // namespace

std::string device_of(const registrar::Binding& binding) {
  return binding.instance().empty() ? "contact:" + std::string(binding.contact())
                                    : std::string(binding.instance());
}

void Presentity::changed() {
  ++version_;
  renderings_.clear();
}

void Presentity::apply(event::Compositor next, const std::string& id,
                       std::optional<Publication> publication) {
  compositor_ = std::move(next);
  if (publication) {
    const auto before = publications_.find(id);
    if (before != publications_.end())
      for (auto& [tuple, offer] : publication->offers)
        if (const auto old = before->second.offers.find(tuple); old != before->second.offers.end())
          offer.inherit(old->second);
    publications_.insert_or_assign(id, std::move(*publication));
  }
  std::erase_if(publications_, [&](const auto& entry) { return compositor_.find(entry.first) == nullptr; });
  for (const auto& known : compositor_.publications())
    if (!known.instance.empty()) published_.insert(known.instance);
  trim_published();
  changed();
}

void Presentity::move_flow(const std::string& id, transaction::FlowId flow) {
  const auto found = publications_.find(id);
  if (found != publications_.end() && !found->second.offers.empty()) found->second.flow = flow;
}

bool Presentity::on_flow_closed(transaction::FlowId flow) {
  std::set<std::string> lacking;
  for (auto& [id, publication] : publications_)
    if (publication.flow == flow && publication.drop_direct()) lacking.insert(id);
  if (lacking.empty()) return false;
  // Each is put back in its turn, so that their order stays.
  const auto all = compositor_.publications();
  for (event::Publication known : all) {
    if (lacking.count(known.id)) known.incomplete = true;
    compositor_.restore(std::move(known));
  }
  changed();
  return true;
}

std::vector<std::string> Presentity::expire(Time now) {
  auto ids = compositor_.expire(now);
  for (const std::string& id : ids) publications_.erase(id);
  trim_published();
  if (!ids.empty()) changed();
  return ids;
}

bool Presentity::on_bindings_changed(const std::vector<registrar::Binding>& bindings) {
  const auto shown = [this] {
    Presence basics;
    add_bindings(basics);
    return basics.tuples;
  };
  const auto before = shown();
  bindings_ = bindings;
  trim_published();
  if (shown() == before) return false;
  changed();
  return true;
}

bool Presentity::is_published(const std::string& device) const {
  const auto& all = compositor_.publications();
  return std::any_of(all.begin(), all.end(), [&](const auto& known) { return known.instance == device; });
}

/// A device that is neither registered nor has anything published is forgotten.
void Presentity::trim_published() {
  std::erase_if(published_, [&](const std::string& device) {
    return !is_published(device) &&
           std::none_of(bindings_.begin(), bindings_.end(),
                        [&](const auto& binding) { return device_of(binding) == device; });
  });
}

void Presentity::restore(event::Publication record, Publication publication) {
  if (!record.instance.empty()) published_.insert(record.instance);
  publications_.insert_or_assign(record.id, std::move(publication));
  compositor_.restore(std::move(record));
  changed();
}

Presence Presentity::compose() const {
  Origins unused;
  return compose(unused);
}

Presence Presentity::compose(Origins& origins) const {
  Presence all;
  all.entity = aor_;
  for (const auto& publication : compositor_.publications()) unite(all, publication, origins);
  add_bindings(all);
  if (all.tuples.empty() && all.persons.empty()) all.tuples.push_back(closed_tuple());
  return all;
}

/// Two devices never erase each other: an id that is taken is renamed, always to the same name.
void Presentity::unite(Presence& all, const event::Publication& from, Origins& origins) const {
  const auto found = publications_.find(from.id);
  if (found == publications_.end()) return;
  const Presence& one = found->second.presence;
  for (const Tuple& tuple : one.tuples) {
    Tuple added = tuple;
    const auto taken = [&] {
      return added.id.empty() || std::any_of(all.tuples.begin(), all.tuples.end(),
                                             [&](const Tuple& other) { return other.id == added.id; });
    };
    while (taken()) added.id = "t" + short_hash(added.id + ' ' + tuple.id + ' ' + from.id);
    origins.emplace(added.id, Origin{from.id, tuple.id});
    all.tuples.push_back(std::move(added));
  }
  unite_components(all.persons, one.persons);
  unite_components(all.devices, one.devices);
  unite_values(all.notes, one.notes);
  unite_values(all.extensions, one.extensions);
}

/// A registered device that never published is open, no more is known of it. The tuple names the
/// address-of-record, not the device's address: that is the proxy's business, not the watchers'.
void Presentity::add_bindings(Presence& all) const {
  for (const registrar::Binding& binding : bindings_) {
    const std::string device = device_of(binding);
    if (published_.count(device)) continue;
    Tuple tuple;
    tuple.id = "b" + short_hash(device);
    tuple.basic = Basic::open;
    tuple.contact = documents::Contact{aor_, priority_of(static_cast<double>(binding.q))};
    all.tuples.push_back(std::move(tuple));
  }
}

Presentity::Rendering Presentity::draw(const documents::Transformations& what, bool secure) const {
  Origins origins;
  std::map<std::string, ds1::Mode> modes;
  Presence all = compose(origins);
  for (Tuple& tuple : all.tuples) {
    const auto origin = origins.find(tuple.id);
    if (origin == origins.end()) continue;
    const auto& offers = publications_.at(origin->second.publication).offers;
    const auto offer = offers.find(origin->second.tuple);
    if (offer == offers.end()) continue;
    const ds1::Mode mode = std::min(offer->second.published().mode, what.direct);
    if (!secure || mode == ds1::Mode::off) {
      documents::remove_direct(tuple);
      continue;
    }
    for (xml::Fragment& element : tuple.status_extensions)
      if (documents::is_direct(element)) element = documents::lower(element, mode);
    modes[tuple.id] = mode;
  }
  filter(all, what);
  auto printed = documents::print_with_grant_places(all);
  Rendering rendering{what, secure, share(std::move(printed.text)), {}};
  for (const auto& place : printed.grants)
    rendering.places.push_back({place.offset, origins.at(place.tuple_id), modes.at(place.tuple_id)});
  return rendering;
}

const Presentity::Rendering& Presentity::rendering(const documents::Transformations& what, bool secure) {
  const auto known = std::find_if(renderings_.begin(), renderings_.end(), [&](const Rendering& rendering) {
    return rendering.secure == secure && rendering.what == what;
  });
  if (known != renderings_.end()) return *known;
  if (renderings_.size() >= renderings_max) renderings_.clear();
  renderings_.push_back(draw(what, secure));
  return renderings_.back();
}

DirectOffer* Presentity::offer(const Origin& origin) {
  const auto publication = publications_.find(origin.publication);
  if (publication == publications_.end()) return nullptr;
  const auto found = publication->second.offers.find(origin.tuple);
  return found == publication->second.offers.end() ? nullptr : &found->second;
}

SharedText Presentity::render(const documents::Transformations& what, bool secure, const std::string& watcher,
                              Random& random) {
  const Rendering& shared = rendering(what, secure);
  if (shared.places.empty()) return shared.text;
  std::string text;
  std::size_t from = 0;
  for (const auto& place : shared.places) {
    text.append(*shared.text, from, place.offset - from);
    if (DirectOffer* found = offer(place.origin)) text += found->grant(watcher, place.mode, random);
    from = place.offset;
  }
  text.append(*shared.text, from);
  return share(std::move(text));
}

void Presentity::each_grant_holder(const std::function<void(const std::string&)>& visit) const {
  for (const auto& [id, publication] : publications_)
    for (const auto& [tuple, offer] : publication.offers) offer.each_holder(visit);
}

}  // namespace beckon::server::presence
