#include "server/presence/standing.hpp"

#include <algorithm>
#include <array>

#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/rpid.hpp"

namespace beckon::server::presence {

namespace {

/// Activities (RFC 4480 3.2) that occupy, and those that take away. Others leave a person available.
constexpr std::array<std::string_view, 7> occupying{"appointment", "busy",         "meeting", "on-the-phone",
                                                    "performance", "presentation", "steering"};
constexpr std::array<std::string_view, 12> absent{"away",      "breakfast", "dinner",   "holiday",
                                                  "lunch",     "meal",      "sleeping", "permanent-absence",
                                                  "spectator", "travel",    "vacation", "worship"};

template <std::size_t N>
bool has_one(const std::array<std::string_view, N>& names, const std::vector<std::string>& activities) {
  return std::ranges::any_of(activities, [&](const std::string& activity) {
    return std::ranges::find(names, activity) != names.end();
  });
}

}  // namespace

const char* to_string(Overall overall) {
  switch (overall) {
    case Overall::offline:
      return "offline";
    case Overall::away:
      return "away";
    case Overall::available:
      return "available";
    case Overall::meeting:
      return "meeting";
    case Overall::do_not_disturb:
      return "do-not-disturb";
    case Overall::on_the_phone:
      return "on-the-phone";
  }
  return "";
}

Standing standing_of(const documents::Presence& composed) {
  Standing standing;
  if (std::ranges::any_of(composed.tuples,
                          [](const auto& tuple) { return tuple.basic == documents::Basic::open; }))
    standing.overall = Overall::available;
  bool is_away = false;
  for (const documents::Person& person : composed.persons) {
    const auto raise = [&](Overall to) { standing.overall = std::max(standing.overall, to); };
    const auto activities = documents::activities(person);
    if (has_one(occupying, activities)) raise(Overall::meeting);
    standing.busy |= std::ranges::find(activities, "busy") != activities.end();
    is_away |= has_one(absent, activities);
    for (const xml::Fragment& element : person.extensions) {
      if (!element.is(documents::ns::rpid, "activities")) continue;
      const auto engagement = documents::engagement_of(element);
      standing.do_not_disturb |= engagement.do_not_disturb;
      standing.on_the_phone |= engagement.on_the_phone;
      standing.messages_only |= engagement.messages_only;
      standing.one_call |= engagement.one_call;
      if (engagement.do_not_disturb) raise(Overall::do_not_disturb);
      if (engagement.on_the_phone) raise(Overall::on_the_phone);
    }
  }
  // That a service is open does not make somebody available who says to be away.
  if (is_away && standing.overall == Overall::available) standing.overall = Overall::away;
  return standing;
}

void Spheres::add(const documents::Presence& published) {
  for (const documents::Person& person : published.persons)
    for (const xml::Fragment& element : person.extensions) {
      if (!element.is(documents::ns::rpid, "sphere")) continue;
      std::string value = documents::read_sphere(element);
      differ_ |= is_any_ && value != value_;
      is_any_ = true;
      value_ = std::move(value);
    }
}

const std::string& Spheres::value() const {
  static const std::string none;
  return differ_ ? none : value_;
}

}  // namespace beckon::server::presence
