#include "server/presence/merge.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/rpid.hpp"

namespace beckon::server::presence {

using documents::Component;
using documents::Engagement;
namespace ns = documents::ns;

namespace {

/// Text of the first such element; empty where there is none.
std::string text_of_first(const Component& component, std::string_view space, std::string_view name) {
  const auto found = std::ranges::find_if(
      component.extensions, [&](const xml::Fragment& element) { return element.is(space, name); });
  if (found == component.extensions.end()) return {};
  const auto document = xml::parse(*found);
  return document ? std::string(trim(document->root().text())) : std::string();
}

bool is_activities(const xml::Fragment& element) { return element.is(ns::rpid, "activities"); }

/// How the <activities> of one voice rank: on the phone, do-not-disturb, others (DESIGN 6).
struct Rank {
  bool has_any = false;
  Engagement engagement{};
  int value() const { return engagement.on_the_phone ? 3 : engagement.do_not_disturb ? 2 : has_any ? 1 : 0; }
};

Rank rank_of(const Component& component) {
  Rank rank;
  for (const xml::Fragment& element : component.extensions) {
    if (!is_activities(element)) continue;
    const Engagement one = documents::engagement_of(element);
    rank.has_any = true;
    rank.engagement.on_the_phone |= one.on_the_phone;
    rank.engagement.do_not_disturb |= one.do_not_disturb;
    rank.engagement.messages_only |= one.messages_only;
    rank.engagement.one_call |= one.one_call;
  }
  return rank;
}

}  // namespace

std::string Merging::key_of(const Component& component) const {
  if (kind_ == Kind::person) return text_of_first(component, ns::rpid, "class");
  const std::string device = text_of_first(component, ns::data_model, "deviceID");
  return device.empty() ? "id " + component.id : "device " + device;
}

void Merging::add(std::vector<Component>&& components, std::uint16_t publication,
                  std::optional<WallTime> published) {
  for (Component& component : components) {
    const auto [known, is_new] = by_key_.try_emplace(key_of(component), groups_.size());
    if (is_new) groups_.push_back({publication, {}});
    const WallTime latest = published.value_or(WallTime::min());
    const auto said = parse_time(component.timestamp);
    const WallTime time = said && published ? std::min(*said, latest) : said.value_or(latest);
    auto& voices = groups_[known->second].voices;
    voices.push_back({time, voices.size(), std::move(component)});
  }
}

Component Merging::merge(std::vector<Voice>&& voices, bool on_the_phone) const {
  Component merged;
  merged.id = std::move(voices.front().component.id);
  // The newest first; of equal times the later publication.
  std::ranges::sort(voices, std::ranges::greater(),
                    [](const Voice& voice) { return std::pair(voice.time, voice.number); });
  merged.timestamp = voices.front().component.timestamp;

  std::unordered_map<std::string, const Voice*> speakers;  // by kind of element
  Engagement engagement{.on_the_phone = on_the_phone};
  int best = 0;
  if (kind_ == Kind::person) {
    for (const Voice& voice : voices) {
      const Rank rank = rank_of(voice.component);
      engagement.on_the_phone |= rank.engagement.on_the_phone;
      engagement.do_not_disturb |= rank.engagement.do_not_disturb;
      engagement.messages_only |= rank.engagement.messages_only;
      engagement.one_call |= rank.engagement.one_call;
      if (rank.value() > best) speakers[std::string(ns::rpid) + " activities"] = &voice;
      best = std::max(best, rank.value());
    }
  }
  std::vector<xml::Fragment> last;
  for (Voice& voice : voices) {
    Component& one = voice.component;
    for (xml::Fragment& element : one.extensions) {
      const auto speaker = speakers.try_emplace(element.ns + ' ' + element.name, &voice).first;
      // <deviceID> follows the elements of other namespaces (RFC 4479 5.1.2).
      auto& place = element.ns == ns::data_model ? last : merged.extensions;
      if (speaker->second == &voice) place.push_back(std::move(element));
    }
    if (merged.notes.empty()) merged.notes = std::move(one.notes);
  }
  if (engagement != Engagement()) {
    const auto shown = std::ranges::find_if(merged.extensions, is_activities);
    if (shown == merged.extensions.end())
      merged.extensions.push_back(documents::make_activities({"on-the-phone"}));
    else
      *shown = documents::add_engagement(*shown, engagement);
  }
  std::ranges::move(last, std::back_inserter(merged.extensions));
  return merged;
}

std::vector<Component> Merging::finish(Names& names, bool on_the_phone) {
  std::vector<Component> all;
  for (Group& group : groups_) {
    Component& merged = all.emplace_back(merge(std::move(group.voices), on_the_phone));
    merged.id = names.claim(std::move(merged.id), std::to_string(group.publication));
  }
  return all;
}

}  // namespace beckon::server::presence
