#include "server/presence/composition.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"
#include "protocol/crypto/crypto.hpp"

namespace beckon::server::presence {

using documents::Basic;
using documents::Component;
using documents::Presence;
using documents::Tuple;

namespace {

/// A short name made of `text`, the same each time.
std::string short_hash(std::string_view text) {
  return to_hex(crypto::hash(crypto::Hash::sha256, as_bytes(text))).substr(0, 8);
}

std::uint16_t priority_of(double q) {
  return static_cast<std::uint16_t>(std::clamp(q, 0.0, 1.0) * 1000.0 + 0.5);
}

std::string device_name(const registrar::Binding& binding) {
  if (!binding.instance().empty()) return std::string(binding.instance());
  return "contact:" + std::string(binding.contact());
}

/// Of components with one id the later one counts (RFC 4479 3.4 leaves the choice to the compositor).
class Components {
 public:
  void add(std::vector<Component>&& more, std::uint16_t publication) {
    for (Component& component : more) {
      const auto [known, added] = by_id_.try_emplace(component.id, all_.size());
      if (added) {
        all_.push_back(std::move(component));
        owners_.push_back(publication);
      } else if (auto& twin = all_[known->second];
                 parse_time(component.timestamp) >= parse_time(twin.timestamp)) {
        twin = std::move(component);
      }
    }
  }
  std::vector<Component> finish(Names& names) {
    for (std::size_t i = 0; i < all_.size(); ++i)
      all_[i].id = names.claim(std::move(all_[i].id), std::to_string(owners_[i]));
    return std::move(all_);
  }

 private:
  std::vector<Component> all_;
  std::vector<std::uint16_t> owners_;  ///< The publication that brought the id first.
  std::unordered_map<std::string, std::size_t> by_id_;
};

/// Values that are equal stand once.
template <class T>
class Values {
 public:
  template <class Text>
  void add(std::vector<T>&& more, Text text_of) {
    for (T& value : more)
      if (seen_.insert(text_of(value)).second) all_.push_back(std::move(value));
  }
  std::vector<T> finish() { return std::move(all_); }

 private:
  std::vector<T> all_;
  boost::unordered_flat_set<std::string> seen_;
};

class Composer {
 public:
  Composer(const std::string& aor, Names& names) : aor_(aor), names_(names) {}

  void add(const Source& source) {
    Presence one = source.document->parse();
    put_back_direct(one, *source.document);
    persons_.add(std::move(one.persons), source.publication);
    devices_.add(std::move(one.devices), source.publication);
    notes_.add(std::move(one.notes),
               [](const documents::Note& note) { return note.lang + '\n' + note.text; });
    extensions_.add(std::move(one.extensions), [](const xml::Fragment& element) { return element.text; });
    tuples_.push_back({source, std::move(one.tuples)});
  }

  Composition finish(const std::vector<const registrar::Binding*>& silent) {
    Presence& all = made_.presence;
    all.entity = aor_;
    // Persons and devices first: their ids say which are the same, those of tuples only have to differ.
    all.persons = persons_.finish(names_);
    all.devices = devices_.finish(names_);
    all.notes = notes_.finish();
    all.extensions = extensions_.finish();
    for (auto& [source, tuples] : tuples_) add_tuples(source, std::move(tuples));
    add_silent(silent);
    if (all.tuples.empty() && all.persons.empty()) all.tuples = closed_presence(aor_).tuples;
    return std::move(made_);
  }

 private:
  static void put_back_direct(Presence& presence, const Document& document) {
    for (const Document::Offer& offer : document.offers()) {
      if (offer.tuple >= presence.tuples.size()) continue;
      auto& elements = presence.tuples[offer.tuple].status_extensions;
      const auto position = std::min<std::size_t>(offer.position, elements.size());
      elements.insert(elements.begin() + static_cast<std::ptrdiff_t>(position), offer.shown);
    }
  }

  /// Two devices never erase each other: an id that is taken is renamed.
  void add_tuples(const Source& source, std::vector<Tuple>&& tuples) {
    const auto offers = source.document->offers();
    std::uint32_t offer = 0;
    for (std::uint32_t i = 0; i < tuples.size(); ++i) {
      Tuple& tuple = tuples[i];
      tuple.id = names_.claim(std::move(tuple.id), std::to_string(source.publication));
      if (offer < offers.size() && offers[offer].tuple == i)
        made_.offers.emplace(tuple.id, Composition::Origin{source.publication, offer++});
      made_.presence.tuples.push_back(std::move(tuple));
    }
  }

  /// A registered device that never published is open, no more is known of it. The tuple names the
  /// address-of-record, not the device's address: that is the proxy's business, not the watchers'. A device
  /// with several flows (RFC 5626) is one.
  void add_silent(const std::vector<const registrar::Binding*>& silent) {
    std::unordered_map<std::string, std::size_t> known;  // device -> tuple
    auto& tuples = made_.presence.tuples;
    for (const registrar::Binding* binding : silent) {
      std::string device = device_name(*binding);
      const std::uint16_t priority = priority_of(binding->q);
      const auto [place, added] = known.try_emplace(device, tuples.size());
      if (!added) {
        auto& shown = tuples[place->second].contact->priority;
        shown = std::max(shown, std::optional(priority));
        continue;
      }
      Tuple& tuple = tuples.emplace_back();
      tuple.id = names_.claim("b" + short_hash(device), device);
      tuple.basic = Basic::open;
      tuple.contact = documents::Contact{aor_, priority};
    }
  }

  const std::string& aor_;
  Names& names_;
  Composition made_;
  Components persons_, devices_;
  Values<documents::Note> notes_;
  Values<xml::Fragment> extensions_;
  std::vector<std::pair<Source, std::vector<Tuple>>> tuples_;
};

}  // namespace

bool Names::take(const std::string& name) {
  ++work_;
  return !name.empty() && taken_.insert(name).second;
}

std::string Names::claim(std::string wanted, std::string_view owner) {
  if (take(wanted)) return wanted;
  ++work_;
  wanted.append(" ") += owner;
  std::string name = "t" + short_hash(wanted);
  if (take(name)) return name;
  // Somebody took the made name on purpose, or several ids are empty.
  for (;;) {
    std::string next = name + '.' + std::to_string(++serial_);
    if (take(next)) return next;
  }
}

Composition compose(const std::string& aor, const std::vector<Source>& sources,
                    const std::vector<const registrar::Binding*>& silent, Names& names) {
  Composer composer(aor, names);
  for (const Source& source : sources) composer.add(source);
  return composer.finish(silent);
}

Presence closed_presence(std::string_view aor) {
  Presence presence;
  presence.entity = std::string(aor);
  Tuple& tuple = presence.tuples.emplace_back();
  tuple.id = "offline";
  tuple.basic = Basic::closed;
  return presence;
}

}  // namespace beckon::server::presence
