#include "server/presence/composition.hpp"

#include <algorithm>
#include <boost/unordered/unordered_flat_set.hpp>

#include "protocol/documents/rpid.hpp"
#include "server/presence/clock.hpp"
#include "server/presence/filter.hpp"
#include "server/presence/merge.hpp"
#include "server/presence/repair.hpp"

namespace beckon::server::presence {

using documents::Basic;
using documents::Presence;
using documents::Tuple;

namespace {

std::string device_name(const registrar::Binding& binding) {
  if (!binding.instance().empty()) return std::string(binding.instance());
  return "contact:" + std::string(binding.contact());
}

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
  Composer(const std::string& aor, const Circumstances& circumstances, Names& names)
      : aor_(aor), circumstances_(circumstances), names_(names) {}

  void add(const Source& source) {
    Presence one = source.document->parse();
    put_back_direct(one, *source.document);
    made_.next = std::min(made_.next, apply_clock(one, circumstances_.now));
    has_person_ |= !one.persons.empty();
    if (circumstances_.what) {
      const std::size_t before = one.persons.size() + one.devices.size();
      select_components(one, *circumstances_.what);
      made_.is_selection |= one.persons.size() + one.devices.size() != before;
    }
    const auto published = source.document->published();
    persons_.add(std::move(one.persons), source.publication, published);
    devices_.add(std::move(one.devices), source.publication, published);
    notes_.add(std::move(one.notes),
               [](const documents::Note& note) { return note.lang + '\n' + note.text; });
    extensions_.add(std::move(one.extensions), [](const xml::Fragment& element) { return element.text; });
    tuples_.push_back({source, std::move(one.tuples)});
  }

  Composition finish(const std::vector<const registrar::Binding*>& silent) {
    Presence& all = made_.presence;
    all.entity = aor_;
    // Persons and devices first: their ids say which are the same, those of tuples only have to differ.
    all.persons = persons_.finish(names_, circumstances_.on_the_phone);
    all.devices = devices_.finish(names_, false);
    all.notes = notes_.finish();
    all.extensions = extensions_.finish();
    for (auto& [source, tuples] : tuples_) add_tuples(source, std::move(tuples));
    add_silent(silent);
    if (all.tuples.empty() && !has_person_) {
      all.tuples = closed_presence(aor_).tuples;
      all.tuples.front().id = names_.claim(all.tuples.front().id, {});
      if (!circumstances_.last_seen.empty())
        all.tuples.front().extensions.push_back(documents::make_last_input(circumstances_.last_seen, false));
    }
    if (all.persons.empty()) add_caller();
    repair(all, names_);
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
  /// address-of-record, not the device's address: that is the proxy's business, not the watchers'. It has no
  /// priority, so that it comes after whatever the user published (RFC 3863 4.1.5). A device with several
  /// flows (RFC 5626) is one.
  void add_silent(const std::vector<const registrar::Binding*>& silent) {
    boost::unordered_flat_set<std::string> known;
    for (const registrar::Binding* binding : silent) {
      const std::string device = device_name(*binding);
      if (!known.insert(device).second) continue;
      Tuple& tuple = made_.presence.tuples.emplace_back();
      tuple.id = names_.claim("b" + short_hash(device), device);
      tuple.basic = Basic::open;
      tuple.contact = documents::Contact{aor_, std::nullopt};
    }
  }

  /// Of somebody on the phone, where no device publishes a person.
  void add_caller() {
    const documents::Transformations* what = circumstances_.what;
    if (!circumstances_.on_the_phone || (what && !what->persons.all)) return;
    documents::Person& person = made_.presence.persons.emplace_back();
    person.id = names_.claim("person", "calls");
    person.extensions.push_back(documents::make_activities({"on-the-phone"}));
  }

  const std::string& aor_;
  const Circumstances& circumstances_;
  Names& names_;
  Composition made_;
  Merging persons_{Merging::Kind::person}, devices_{Merging::Kind::device};
  bool has_person_ = false;  ///< Published, shown or not.
  Values<documents::Note> notes_;
  Values<xml::Fragment> extensions_;
  std::vector<std::pair<Source, std::vector<Tuple>>> tuples_;
};

}  // namespace

Composition compose(const std::string& aor, const std::vector<Source>& sources,
                    const std::vector<const registrar::Binding*>& silent, const Circumstances& circumstances,
                    Names& names) {
  Composer composer(aor, circumstances, names);
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
