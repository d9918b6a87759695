#include "client/terminal/face.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "client/control/cause.hpp"
#include "client/control/event.hpp"
#include "client/terminal/characters.hpp"
#include "client/terminal/names.hpp"
#include "protocol/base/text.hpp"

namespace beckon::client::terminal {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

std::string of(const object& from, std::string_view name) {
  const auto* found = from.if_contains(name);
  if (found == nullptr) return {};
  return found->is_string() ? std::string(found->as_string()) : boost::json::serialize(*found);
}

bool holds(const object& from, std::string_view name) {
  const auto* found = from.if_contains(name);
  return found != nullptr && found->is_bool() && found->as_bool();
}

const array& items(const object& from, std::string_view name) {
  static const array none;
  const auto* found = from.if_contains(name);
  return found != nullptr && found->is_array() ? found->as_array() : none;
}

std::string joined(const array& values, std::string_view separator) {
  std::string out;
  for (const auto& each : values)
    if (each.is_string()) out.append(out.empty() ? "" : separator).append(each.as_string());
  return out;
}

std::string in_parentheses(const std::string& words) { return words.empty() ? "" : " (" + words + ")"; }

/// What people wrote: an address or a time in it is theirs.
bool is_free_text(std::string_view key) {
  constexpr std::array<std::string_view, 10> keys{"text",  "note",   "notes",   "name", "remote_name",
                                                  "topic", "reason", "subject", "id",   "shown"};
  return std::ranges::find(keys, key) != keys.end();
}

/// Of those, what is meant to be a few words.
bool is_short_text(std::string_view key) { return is_free_text(key) && key != "text"; }

/// The ends of lines are kept, which the listings of messages indent.
std::string harmless(std::string_view text) {
  std::string out;
  while (true) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    out += shown(line);
    if (end == std::string_view::npos) return out;
    out += '\n';
    text.remove_prefix(end + 1);
  }
}

std::string in_one_line(std::string text) {
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at))
    text.replace(at, 1, "\u23ce");
  return text;
}

std::string indented(const std::string& text) {
  std::string out;
  for (const char c : text) out.append(1, c).append(c == '\n' ? "    " : "");
  return out;
}

/// "direct sessions: auto", which rings while the callee does not know the caller's device; or why there can
/// be none.
std::string direct_of(const object& presence) {
  std::string why = of(presence, "basic") == "open" ? "no direct session: no device offers one" : "";
  for (const auto& each : items(presence, "tuples")) {
    const auto* direct = each.is_object() ? each.as_object().if_contains("direct") : nullptr;
    if (direct == nullptr || !direct->is_object()) continue;
    const object& facts = direct->as_object();
    const std::string mode = of(facts, "mode");
    if (mode == "off") {
      why = "no direct session: switched off";
    } else if (!holds(facts, "granted")) {
      why = "no direct session: not permitted to you";
    } else if (!holds(facts, "verified")) {
      why = "no direct session: the device's identity is new; accept-key trusts it";
    } else {
      return "direct sessions: " + mode;
    }
  }
  return why;
}

/// "busy, on-the-phone: back at ten"
std::string said_in(const object& presence) {
  std::string notes = joined(items(presence, "notes"), "; ");
  for (const auto& each : items(presence, "tuples"))
    if (each.is_object())
      if (const std::string note = of(each.as_object(), "note");
          !note.empty() && notes.find(note) == std::string::npos)
        notes.append(notes.empty() ? "" : "; ").append(note);
  const std::string activities = joined(items(presence, "activities"), ", ");
  const bool both = !activities.empty() && !notes.empty();
  return in_one_line(activities + (both ? ": " : "") + notes);
}

/// What a person can do about it.
std::string advice(std::string_view cause, std::string_view command, bool server_says) {
  if (cause == "usage") return fmt::format("`help {}` explains it", command);
  if (cause == "credentials")
    return "name or password is wrong, or guessed too often: wait a minute, then try again";
  if (cause == "unreachable") return "the server does not answer; try again";
  if (cause == "not-found" && server_says) return "no such user, call or message";
  if (cause == "no-direct" && command == "call")
    return "a direct session needs a subscription to the callee, its permission (`allow YOU --direct ask`), "
           "and a device that offers one";
  return {};
}

}  // namespace

std::string Face::localise(std::string_view key, std::string_view text) const {
  if (!is_free_text(key)) {
    if (text.starts_with("sip:")) return shown(short_name(text, options_.home));
    if (const auto time = text.size() >= 20 ? parse_time(text) : std::nullopt)
      return options_.local ? options_.local(*time) : print_time(*time);
  }
  // A name or a note of 64 KiB would push everything else off the screen. What people write to each other is
  // shown whole.
  constexpr std::size_t most_columns = 600;
  return is_short_text(key) ? shorten(harmless(text), most_columns) : harmless(text);
}

object Face::localise(const object& event) const {
  const auto visit = [this](const auto& self, std::string_view key, const value& from) -> value {
    if (from.is_string()) return value(localise(key, std::string_view(from.as_string())));
    if (from.is_array()) {
      array out;
      for (const auto& each : from.as_array()) out.push_back(self(self, key, each));
      return out;
    }
    if (!from.is_object()) return from;
    object out;
    for (const auto& [name, each] : from.as_object()) out[name] = self(self, name, each);
    return out;
  };
  return visit(visit, "", value(event)).as_object();
}

std::string Face::paint(Tint tint, std::string_view text) const {
  if (!options_.colour) return std::string(text);
  const char* code = tint == Tint::bold     ? "1"
                     : tint == Tint::good   ? "32"
                     : tint == Tint::faint  ? "2"
                     : tint == Tint::urgent ? "1;33"
                                            : "31";
  return fmt::format("\x1b[{}m{}\x1b[m", code, text);
}

std::string Face::tell(const object& event) {
  const std::string name = of(event, "event");
  const object local = localise(event);
  if (name == "presence") return tell_presence(local);
  if (name == "watchers") return tell_watchers(local);
  if (name == "subscription") return tell_subscription(local);
  if (name == "call") return tell_call(local);
  if (name == "message") return tell_message(local, event);
  if (name == "registration") return tell_registration(local);
  if (name == "publication") return tell_publication(local);
  if (name == "trust") return tell_trust(local);
  if (name == "result") return tell_result(local);
  if (name == "warning") return paint(Tint::bad, "warning: ") + in_one_line(of(local, "text")) + "\n";
  if (name == "connection") {
    const bool was_down = std::exchange(is_down_, of(local, "state") != "up");
    if (is_down_)
      return paint(Tint::bad, "no connection to the server") + in_parentheses(of(local, "reason")) + "\n";
    return was_down ? "connected to the server again\n" : "";
  }
  return control::print_for_people(local);
}

// --- presence

std::string Face::tell_presence(const object& event) {
  const std::string name = of(event, "of"), basic = of(event, "basic");
  if (basic == "unknown") {
    buddies_.erase(name);
    return name + " is not watched any more\n";
  }
  const Buddy buddy{basic, said_in(event), direct_of(event)};
  buddies_[name] = buddy;
  std::string out = fmt::format("{} is {}", paint(Tint::bold, name),
                                paint(basic == "open" ? Tint::good : Tint::faint, basic));
  if (!buddy.says.empty()) out += ", " + buddy.says;
  if (!buddy.direct.empty()) out += paint(Tint::faint, in_parentheses(buddy.direct));
  for (const auto& each : items(event, "tuples"))
    if (each.is_object())
      if (const std::string last = of(each.as_object(), "last_input"); !last.empty())
        out += ", last seen " + last;
  return out + "\n";
}

std::string Face::tell_subscription(const object& event) {
  const std::string to = of(event, "to"), state = of(event, "state"), package = of(event, "package");
  const std::string why = in_parentheses(of(event, "reason"));
  if (state == "unknown") return {};  // asked for, not answered yet
  if (package != "presence") return fmt::format("{} of {}: {}{}\n", package, to, state, why);
  if (state == "active") return {};  // what is shown follows
  if (state == "pending") {
    buddies_[to] = {"asked", "", ""};
    return fmt::format("{} is asked whether you may see it; nothing is shown until then\n",
                       paint(Tint::bold, to));
  }
  const bool was_refused =
      of(event, "reason") == "rejected" || of(event, "status") == "403" || of(event, "status") == "603";
  if (was_refused) {
    buddies_[to] = {"refused", "", ""};
    return fmt::format("{} does not let you see its presence{}\n", paint(Tint::bold, to), why);
  }
  const bool was_shown = buddies_.contains(to) && buddies_.at(to).state != "asked";
  buddies_.erase(to);
  if (was_shown && why.empty()) return {};  // that it is not watched any more follows
  return fmt::format("{} is not watched{}{}\n", to, was_shown ? " any more" : "", why);
}

/// "bob may see you (direct sessions: auto)"; what to type where it asks.
std::string Face::tell_watcher(const std::string& name, const Watcher& watcher) const {
  const std::string permit = watcher.permit.empty() || watcher.permit == "off"
                                 ? ""
                                 : " (may start direct sessions: " + watcher.permit + ")";
  if (watcher.status == "active") return fmt::format("{} sees you{}", paint(Tint::bold, name), permit);
  return fmt::format(
      "{}: type allow {}, or block {}",
      paint(Tint::urgent, name + (watcher.status == "waiting" ? " asked to see you" : " asks to see you")),
      name, name);
}

std::string Face::tell_watchers(const object& event) {
  std::map<std::string, Watcher> now;
  for (const auto& each : items(event, "watchers")) {
    Watcher& watcher = now[of(each.as_object(), "aor")];
    // One with several devices is active where one of them is.
    if (watcher.status != "active") watcher.status = of(each.as_object(), "status");
  }
  for (const auto& each : items(event, "permits"))
    if (const auto found = now.find(of(each.as_object(), "aor")); found != now.end())
      found->second.permit = of(each.as_object(), "mode");
  std::string out;
  for (const auto& [name, watcher] : now)
    if (const auto before = watchers_.find(name); before == watchers_.end() || before->second != watcher)
      out += (out.empty() ? "" : "    ") + tell_watcher(name, watcher) + "\n";
  for (const auto& [name, watcher] : watchers_)
    if (!now.contains(name)) out += (out.empty() ? "" : "    ") + name + " does not watch you any more\n";
  watchers_ = std::move(now);
  return out;
}

// --- calls and messages

std::string Face::tell_call(const object& event) {
  const std::string call = of(event, "call"), state = of(event, "state"), peer = of(event, "peer");
  const bool rings = state == "ringing" && of(event, "direction") == "in";
  std::string line = fmt::format("session {} with {}: {}", call, paint(Tint::bold, peer), state);
  if (rings)
    line = fmt::format("{}: type answer {}, or reject {}",
                       paint(Tint::urgent, fmt::format("session {}: {} calls", call, peer)), call, call);
  line += in_parentheses(of(event, "reason"));
  if (state == "ended")
    calls_.erase(call);
  else
    calls_[call] = line;
  return line + "\n";
}

/// "bob (sent 2026-11-20 05:00:00 CET): hi". What was sent within the last minute was sent now.
std::string Face::tell_message(const object& event, const object& original) const {
  std::string facts;
  const auto add = [&facts](const std::string& fact) { facts += (facts.empty() ? "" : ", ") + fact; };
  if (const std::string author = of(event, "claimed_from"); !author.empty()) add("says it is of " + author);
  const auto sent = parse_time(of(original, "sent")), now = parse_time(of(original, "time"));
  if (sent && now && (*now - *sent > std::chrono::minutes(1) || *sent - *now > std::chrono::minutes(1)))
    add("sent " + of(event, "sent"));
  if (const std::string subject = of(event, "subject"); !subject.empty())
    add("about " + in_one_line(subject));
  return fmt::format("{}{}: {}\n", paint(Tint::bold, of(event, "from")), in_parentheses(facts),
                     indented(of(event, "text")));
}

// --- the own state

std::string Face::tell_registration(const object& event) const {
  const std::string state = of(event, "state"), why = in_parentheses(in_one_line(of(event, "reason")));
  if (state == "registered") return "registered: this device can be reached\n";
  if (state == "unregistered") return "unregistered: this device cannot be reached\n";
  return paint(Tint::bad, "registration failed") + why + "\n";
}

std::string Face::tell_publication(const object& event) const {
  const std::string state = of(event, "state"), why = in_parentheses(in_one_line(of(event, "reason")));
  if (state == "removed") return "your presence is published no more\n";
  if (state != "published") return paint(Tint::bad, "publication failed") + why + "\n";
  std::string out = "your presence is published";
  if (const std::string no = of(event, "why_not_direct"); !no.empty())
    out += ", without direct sessions: " + no;
  return out + "\n";
}

std::string Face::tell_trust(const object& event) const {
  const std::string name = of(event, "of"), state = of(event, "state");
  if (state == "new")
    return fmt::format("{0}: compare `safety-number {1}` with {1}, then type accept-key {1}\n",
                       paint(Tint::urgent, "the identity of " + name + " has changed"), name);
  return fmt::format("identity of {}: {}\n", name, state);
}

std::string Face::tell_result(const object& event) const {
  if (holds(event, "ok")) return control::print_for_people(event);
  const std::string command = of(event, "command"), cause = of(event, "cause");
  std::string reason = in_one_line(of(event, "reason"));
  const std::string help = advice(cause, command, event.contains("status"));
  if (!help.empty() && reason.find("help") == std::string::npos)
    reason += (reason.empty() ? "" : "; ") + help;
  return fmt::format("{}{}{}{}\n", command, command.empty() ? "" : ": ", paint(Tint::bad, cause),
                     in_parentheses(reason));
}

// --- who

std::string Face::who() const {
  std::string out;
  std::size_t widest = 0;
  for (const auto& [name, each] : buddies_) widest = std::max(widest, columns(name));
  for (const auto& [name, each] : watchers_) widest = std::max(widest, columns(name));
  widest = std::min<std::size_t>(widest, 40);
  if (buddies_.empty()) out += "you watch nobody; subscribe USER does\n";
  for (const auto& [name, buddy] : buddies_) {
    const Tint tint = buddy.state == "open" ? Tint::good : Tint::faint;
    std::string line =
        fmt::format("  {}  {}  {}", pad(name, widest), paint(tint, pad(buddy.state, 7)), buddy.says);
    if (!buddy.direct.empty()) line += paint(Tint::faint, in_parentheses(buddy.direct));
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  if (!watchers_.empty()) out += "who watches you:\n";
  for (const auto& [name, watcher] : watchers_) out += "  " + tell_watcher(name, watcher) + "\n";
  for (const auto& [call, line] : calls_) out += "  " + line + "\n";
  return out;
}

}  // namespace beckon::client::terminal
