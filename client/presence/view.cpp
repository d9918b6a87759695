#include "client/presence/view.hpp"

#include <algorithm>
#include <boost/json/array.hpp>

#include "protocol/base/text.hpp"
#include "protocol/documents/rpid.hpp"

namespace beckon::client::presence {
namespace {

using boost::json::array;
using boost::json::object;
using documents::Basic;

object media_view(const documents::Direct& direct, const documents::Media& media) {
  array codecs;
  for (const auto& codec : media.codecs)
    codecs.push_back(object{{"name", codec.name}, {"clock", codec.clock}});
  return {{"kind", to_string(media.kind)},
          {"dir", to_string(media.dir)},
          {"mode", ds1::to_string(direct.mode_of(media.kind))},
          {"codecs", std::move(codecs)}};
}

object direct_view(const std::string& aor, const documents::Direct& direct, const IsVerified& is_verified) {
  array media;
  for (const auto& each : direct.media) media.push_back(media_view(direct, each));
  array candidates;
  for (const auto& each : direct.candidates) candidates.emplace_back(print(each.address));
  return {{"mode", ds1::to_string(direct.mode)}, {"epoch", to_hex(direct.epoch)},
          {"media", std::move(media)},           {"candidates", std::move(candidates)},
          {"granted", direct.grant.has_value()}, {"verified", is_verified(aor, direct.key)}};
}

object tuple_view(const std::string& aor, const documents::Tuple& tuple, const IsVerified& is_verified) {
  object out{{"id", tuple.id}, {"basic", documents::to_string(tuple.basic.value_or(Basic::closed))}};
  if (tuple.contact) {
    out["contact"] = tuple.contact->uri;
    if (tuple.contact->priority) out["priority"] = *tuple.contact->priority / 1000.0;
  }
  if (!tuple.notes.empty()) out["note"] = tuple.notes.front().text;
  if (!tuple.timestamp.empty()) out["timestamp"] = tuple.timestamp;
  if (std::string time = documents::last_input(tuple); !time.empty()) out["last_input"] = time;
  if (const auto direct = documents::find_direct(tuple))
    out["direct"] = direct_view(aor, *direct, is_verified);
  return out;
}

}  // namespace

object make_view(const std::string& aor, const documents::Presence& presence, const IsVerified& is_verified) {
  array tuples;
  for (const auto& tuple : presence.tuples) tuples.push_back(tuple_view(aor, tuple, is_verified));
  const bool open = std::any_of(presence.tuples.begin(), presence.tuples.end(),
                                [](const auto& tuple) { return tuple.basic == Basic::open; });
  object out{{"of", aor}, {"basic", open ? "open" : "closed"}, {"tuples", std::move(tuples)}};
  array activities;
  for (const auto& person : presence.persons) {
    for (const auto& name : documents::activities(person)) activities.emplace_back(name);
  }
  if (!activities.empty()) out["activities"] = std::move(activities);
  array notes;
  for (const auto& note : presence.notes) notes.emplace_back(note.text);
  if (!notes.empty()) out["notes"] = std::move(notes);
  return out;
}

object make_unknown_view(const std::string& aor) {
  return {{"of", aor}, {"basic", "unknown"}, {"tuples", array()}};
}

}  // namespace beckon::client::presence
