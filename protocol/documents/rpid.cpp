#include "protocol/documents/rpid.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/xml/edit.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::documents {

using xml::Element;

namespace {

Interval read_interval(const Element& element) {
  Interval interval;
  const auto read = [&](std::string_view name, WallTime& bound) {
    if (const auto text = element.attribute(name))
      if (const auto time = parse_time(*text)) bound = *time;
  };
  read("from", interval.from);
  read("until", interval.until);
  return interval;
}

bool mentions(const xml::Fragment& element, std::string_view word) {
  return element.text.find(word) != std::string::npos;
}

}  // namespace

bool says_do_not_disturb(std::string_view text) {
  std::string word = to_lower(trim(text));
  std::ranges::replace_if(word, [](char c) { return c == ' ' || c == '_'; }, '-');
  return word == do_not_disturb || word == "dnd";
}

WallTime Interval::next(WallTime time) const {
  WallTime found = WallTime::max();
  for (const WallTime bound : {from, until})
    if (bound > time) found = std::min(found, bound);
  return found;
}

Interval interval_of(const xml::Fragment& element) {
  // Most elements have none, and reading one costs more than this.
  if (!mentions(element, "from") && !mentions(element, "until")) return {};
  const auto document = xml::parse(element);
  return document ? read_interval(document->root()) : Interval();
}

bool is_timed_status(const xml::Fragment& element) { return element.is(ns::timed_status, "timed-status"); }

std::optional<TimedStatus> parse_timed_status(const xml::Fragment& element) {
  if (!is_timed_status(element)) return std::nullopt;
  const auto document = xml::parse(element);
  if (!document) return std::nullopt;
  const Element& root = document->root();
  TimedStatus status{.interval = read_interval(root)};
  if (status.interval.from == WallTime::min()) return std::nullopt;
  for (const Element& child : root.children()) {
    if (child.is(ns::timed_status, "basic")) {
      const auto text = trim(child.text());
      if (text == "open") status.basic = Basic::open;
      if (text == "closed") status.basic = Basic::closed;
    } else if (child.is(ns::timed_status, "note")) {
      status.notes.push_back(
          {std::string(child.text()), std::string(child.attribute("lang", xml::xml_ns).value_or(""))});
    } else if (child.ns() != ns::timed_status) {
      status.extensions.push_back(child.keep());
    }
  }
  return status;
}

std::string_view name_of_other(std::string_view text) {
  if (says_do_not_disturb(text)) return do_not_disturb;
  if (text == messages_only) return messages_only;
  return text == one_call ? one_call : "other";
}

Engagement engagement_of(const xml::Fragment& activities) {
  Engagement engagement;
  if (!mentions(activities, "on-the-phone") && !mentions(activities, "other")) return engagement;
  const auto document = xml::parse(activities);
  if (!document) return engagement;
  for (const Element& child : document->root().children()) {
    if (child.is(ns::rpid, "on-the-phone")) engagement.on_the_phone = true;
    if (!child.is(ns::rpid, "other")) continue;
    const std::string_view text = trim(child.text());
    engagement.do_not_disturb |= says_do_not_disturb(text);
    engagement.messages_only |= text == messages_only;
    engagement.one_call |= text == one_call;
  }
  return engagement;
}

xml::Fragment add_engagement(const xml::Fragment& activities, Engagement engagement) {
  const Engagement has = engagement_of(activities);
  xml::Writer more(xml::Writer::Start::fragment);
  const auto add = [&](bool wanted, std::string_view name, std::string_view text) {
    if (!wanted) return;
    more.open("r:" + std::string(name)).declare("r", ns::rpid);
    if (!text.empty()) more.text(text);
    more.close();
  };
  add(engagement.on_the_phone && !has.on_the_phone, "on-the-phone", "");
  add(engagement.do_not_disturb && !has.do_not_disturb, "other", do_not_disturb);
  add(engagement.messages_only && !has.messages_only, "other", messages_only);
  add(engagement.one_call && !has.one_call, "other", one_call);
  const std::string added = more.finish();
  if (added.empty()) return activities;
  const auto document = xml::parse(activities);
  if (!document) return activities;
  xml::Editor editor(document->root());
  // <unknown> stands alone.
  if (const Element* unknown = document->root().child(ns::rpid, "unknown")) editor.remove(*unknown);
  editor.append(document->root(), added);
  return editor.finish();
}

xml::Fragment make_last_input(std::string_view time, bool active) {
  xml::Writer writer(xml::Writer::Start::fragment);
  writer.open("r:user-input").declare("r", ns::rpid).attribute("last-input", time);
  writer.text(active ? "active" : "idle").close();
  return {std::string(ns::rpid), "user-input", writer.finish()};
}

std::string last_input(const Tuple& tuple) {
  for (const xml::Fragment& element : tuple.extensions) {
    if (!element.is(ns::rpid, "user-input")) continue;
    const auto document = xml::parse(element);
    const auto time = document ? document->root().attribute("last-input") : std::nullopt;
    if (time) return std::string(trim(*time));
  }
  return {};
}

std::string read_sphere(const xml::Fragment& sphere) {
  const auto document = xml::parse(sphere);
  if (!document) return {};
  const Element& root = document->root();
  return std::string(root.children().empty() ? trim(root.text()) : root.children().front().name());
}

}  // namespace beckon::documents
