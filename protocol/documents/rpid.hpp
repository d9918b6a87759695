#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/time.hpp"
#include "protocol/documents/pidf.hpp"
#include "protocol/xml/document.hpp"

/// What a compositor reads of RPID (RFC 4480) and of timed status (RFC 4481): times, do-not-disturb, sphere.
namespace beckon::documents {

/// The time of `from` and `until` (RFC 4480 3.1). A time that cannot be read, or has no zone, sets no bound.
struct Interval {
  WallTime from = WallTime::min();
  WallTime until = WallTime::max();
  bool covers(WallTime time) const { return from <= time && time < until; }
  /// The bound that comes next after `time`; WallTime::max(): none.
  WallTime next(WallTime time) const;
  bool operator==(const Interval&) const = default;
};
Interval interval_of(const xml::Fragment& element);

/// A status of a tuple for a time to come (RFC 4481 3).
struct TimedStatus {
  Interval interval{};
  std::optional<Basic> basic{};
  std::vector<Note> notes{};
  std::vector<xml::Fragment> extensions{};  ///< Its other elements, as in <status>.
};
bool is_timed_status(const xml::Fragment& element);
/// Nullopt: not a <timed-status>, or one without a `from` that can be read.
std::optional<TimedStatus> parse_timed_status(const xml::Fragment& element);

/// RPID has no activity for do-not-disturb. It is an <other> with this text, beside <busy>, which those who
/// do not know it show. COMPAT: liblinphone writes "Do not disturb".
inline constexpr std::string_view do_not_disturb = "do-not-disturb";
/// "do-not-disturb", "Do not disturb", "do_not_disturb", "DND".
bool says_do_not_disturb(std::string_view text);
/// Likewise an <other>: the person wants to be written to and not called,
inline constexpr std::string_view messages_only = "messages-only";
/// or to be called only while not on the phone.
inline constexpr std::string_view one_call = "one-call";
/// What an <other> with that text is called: one of these three, or "other".
std::string_view name_of_other(std::string_view text);

/// What of an <activities> does not give way to what other devices say (DESIGN 6).
struct Engagement {
  bool on_the_phone = false;
  bool do_not_disturb = false;
  bool messages_only = false;
  bool one_call = false;
  bool operator==(const Engagement&) const = default;
};
Engagement engagement_of(const xml::Fragment& activities);
/// The element with those activities that it lacks.
xml::Fragment add_engagement(const xml::Fragment& activities, Engagement engagement);

/// <user-input last-input="TIME">idle</user-input>, or "active" (RFC 4480 3.14).
xml::Fragment make_last_input(std::string_view time, bool active);
/// The time of a tuple's last input, as written; empty: not said.
std::string last_input(const Tuple& tuple);

/// The value of a <sphere> for rules (RFC 4745 7.2): "work", "home", the name of another element, or a text.
std::string read_sphere(const xml::Fragment& sphere);

}  // namespace beckon::documents
