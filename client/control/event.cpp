#include "client/control/event.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "protocol/base/columns.hpp"
#include "protocol/base/printable.hpp"
#include "protocol/base/text.hpp"

namespace beckon::client::control {
namespace {

using boost::json::array;
using boost::json::object;

std::string text(const object& from, std::string_view name) {
  const auto* value = from.if_contains(name);
  if (value == nullptr) return {};
  return value->is_string() ? std::string(value->as_string()) : boost::json::serialize(*value);
}

/// Octets that are not UTF-8 become '?' (a peer's reason phrase may be anything), so that every line is JSON.
std::string clean(std::string text) {
  if (is_utf8(text)) return text;
  for (char& c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return text;
}

std::string of(const object& event, std::string_view name) { return printable(text(event, name)); }

/// A text of several lines, as a message may be: the further ones are indented.
std::string lines_of(const object& event, std::string_view name) {
  std::string out;
  const std::string whole = text(event, name);
  for (std::string_view line : split(whole, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    std::string shown(line);
    std::ranges::replace(shown, '\t', ' ');
    out += (out.empty() ? "" : "\n    ") + printable(shown);
  }
  return out;
}

std::string in_parentheses(const std::string& words) { return words.empty() ? "" : " (" + words + ")"; }

const array& items(const object& from, std::string_view name) {
  static const array none;
  const auto* value = from.if_contains(name);
  return value != nullptr && value->is_array() ? value->as_array() : none;
}

/// The columns of a listing's first column: names are longer or shorter, wide or joined.
std::size_t widest(const array& listed, std::string_view name) {
  constexpr std::size_t most = 40;
  std::size_t width = 0;
  for (const auto& each : listed) width = std::max(width, columns(of(each.as_object(), name)));
  return std::min(width, most);
}

std::string print_tuple(const object& tuple) {
  std::string out =
      fmt::format("    {} {:<7} {}", pad(of(tuple, "id"), 12), of(tuple, "basic"), of(tuple, "note"));
  if (const auto* direct = tuple.if_contains("direct")) {
    const object& facts = direct->as_object();
    out += fmt::format("\n    {:<12} direct {}{}{}", "", of(facts, "mode"),
                       facts.at("granted").as_bool() ? ", granted" : "",
                       facts.at("verified").as_bool() ? "" : ", unverified device");
  }
  if (const std::string time = of(tuple, "last_input"); !time.empty())
    out += fmt::format("\n    {:<12} last seen {}", "", time);
  return out + "\n";
}

/// The texts of an array, each for a terminal: "busy, on-the-phone".
std::string list_of(const object& event, std::string_view name, std::string_view separator) {
  std::string out;
  for (const auto& value : items(event, name)) {
    if (!value.is_string()) continue;
    if (!out.empty()) out += separator;
    out += printable(value.as_string());
  }
  return out;
}

std::string print_presence(const object& event) {
  if (of(event, "basic") == "unknown") return fmt::format("{} is not watched any more\n", of(event, "of"));
  std::string out = fmt::format("{} is {}{}\n", of(event, "of"), of(event, "basic"),
                                in_parentheses(list_of(event, "activities", ", ")));
  if (const std::string notes = list_of(event, "notes", "\n    "); !notes.empty())
    out += "    " + notes + "\n";
  for (const auto& tuple : items(event, "tuples")) out += print_tuple(tuple.as_object());
  return out;
}

/// Beside a watcher: the direct sessions it may start, or what to type to answer its wish.
std::string print_watcher(const object& watcher, std::size_t width, const array& permits) {
  const std::string aor = of(watcher, "aor"), status = of(watcher, "status");
  const bool asks = status == "pending" || status == "waiting";
  std::string beside = asks ? fmt::format("wants to see you: allow {0}, or block {0}", aor) : "";
  for (const auto& value : permits)
    if (const object& permit = value.as_object(); of(permit, "aor") == aor && of(permit, "mode") != "off")
      beside = "may start direct sessions: " + of(permit, "mode");
  return fmt::format("    {}  {}{}\n", pad(aor, width), status, in_parentheses(beside));
}

std::string print_watchers(const object& event) {
  const array& watchers = items(event, "watchers");
  std::string out = watchers.empty() ? "watchers: none\n" : "watchers:\n";
  const std::size_t width = widest(watchers, "aor");
  for (const auto& value : watchers) out += print_watcher(value.as_object(), width, items(event, "permits"));
  return out;
}

/// "ringing, from Carol (sip:carol@example.org)"
std::string print_dialog(const object& dialog) {
  const std::string state = of(dialog, "state");
  const std::string shown = state == "early"        ? "ringing"
                            : state == "confirmed"  ? "on the phone"
                            : state == "terminated" ? "call ended"
                                                    : "calling";
  std::string out = shown + in_parentheses(of(dialog, "event"));
  const std::string remote = of(dialog, "remote"), name = of(dialog, "remote_name");
  if (!remote.empty())
    out += fmt::format(", {} {}", of(dialog, "direction") == "initiator" ? "to" : "from",
                       name.empty() ? remote : name + in_parentheses(remote));
  return out;
}

/// A line of a panel: "sip:bob@example.org              ringing, from sip:carol@example.org".
std::string print_dialogs(const object& event) {
  const array& dialogs = items(event, "dialogs");
  const bool is_absent = event.contains("registered") && !event.at("registered").as_bool();
  std::string line;
  for (const auto& each : dialogs) line += (line.empty() ? "" : "; ") + print_dialog(each.as_object());
  if (line.empty()) line = is_absent ? "not registered" : "idle";
  return fmt::format("{} {}\n", pad(of(event, "of"), 32), line);
}

std::string print_list(const object& event) {
  const array& members = items(event, "members");
  std::string out = fmt::format("list {}:{}\n", of(event, "of"), members.empty() ? " empty" : "");
  for (const auto& value : members) {
    const object& each = value.as_object();
    const std::string state = of(each, "state");
    if (state == "active") continue;  // its presence follows
    out += fmt::format("    {} {}{}\n", of(each, "of"), state, in_parentheses(of(each, "reason")));
  }
  return out;
}

/// "sip:bob@example.org: allow; shows everything; direct sessions auto (rule w1)"
std::string print_rules(const object& event) {
  std::string out;
  for (const auto& value : items(event, "rules")) {
    const object& rule = value.as_object();
    const std::string handling = of(rule, "handling"), shows = list_of(rule, "shows", ", "),
                      when = list_of(rule, "when", "; "), direct = of(rule, "direct");
    out += list_of(rule, "for", ", ") + ": " + (handling.empty() ? "no decision" : handling);
    if (!when.empty()) out += ", " + when;
    if (!shows.empty()) out += "; shows " + shows;
    if (!direct.empty()) out += "; direct sessions " + direct;
    out += " (rule " + of(rule, "id") + ")\n";
  }
  return out.empty() ? "no rules: the server's policy decides\n" : out;
}

/// "sip:bob@example.org, if you allow: allow (rule w1)", and what is shown then.
std::string print_view(const object& event) {
  const std::string by = of(event, "by"), permission = of(event, "permission");
  std::string why = by == "rules"            ? "rule " + list_of(event, "rules", ", ")
                    : by == "own"            ? "it is you"
                    : by == "foreign-domain" ? "the server does not let that domain ask"
                                             : "no rule of yours; the server's policy";
  std::string out = of(event, "watcher");
  if (event.contains("if")) out += ", if you " + of(event, "if");
  out += fmt::format(": {} ({})\n", permission, why);
  if (permission == "confirm") return out + "    waits for your decision, and is shown nothing\n";
  if (permission == "block") return out + "    is refused, and shown nothing\n";
  if (const std::string direct = of(event, "direct"); direct != "off")
    out += "    may start direct sessions: " + direct + "\n";
  const auto* const presence = event.if_contains("presence");
  return presence ? out + print_presence(presence->as_object()) : out;
}

/// "friends (My friends):", and its contacts.
std::string print_contacts(const object& event) {
  std::string out;
  for (const auto& value : items(event, "groups")) {
    const object& group = value.as_object();
    const std::string path = of(group, "group"), name = of(group, "name");
    out += (path.empty() ? name.empty() ? "(no name)" : name : path + in_parentheses(name)) + ":\n";
    const array& contacts = items(group, "contacts");
    const std::size_t width = widest(contacts, "of");
    for (const auto& each : contacts) {
      const std::string called = of(each.as_object(), "name"), who = of(each.as_object(), "of");
      out += "    " + (called.empty() ? who : pad(who, width) + "  " + called) + "\n";
    }
  }
  return out.empty() ? "no contacts\n" : out;
}

/// "sip:bob@example.org registered: sip:bob@192.0.2.1 (refreshed)"
std::string print_registrations(const object& event) {
  std::string out;
  for (const auto& value : items(event, "contacts")) {
    const object& contact = value.as_object();
    const bool is_active = of(contact, "state") == "active";
    out += fmt::format("{} {}registered: {} ({})\n", of(event, "of"), is_active ? "" : "no longer ",
                       of(contact, "contact"), of(contact, "event"));
  }
  return out.empty() ? of(event, "of") + " is not registered\n" : out;
}

std::string print_summary(const object& event) {
  std::string out = fmt::format("messages of {}: {}\n", of(event, "of"),
                                event.at("waiting").as_bool() ? "waiting" : "none waiting");
  for (const auto& value : items(event, "classes")) {
    const object& each = value.as_object();
    out += fmt::format("    {} {} new, {} old", pad(of(each, "class"), 20), of(each, "new"), of(each, "old"));
    if (each.contains("urgent_new"))
      out += fmt::format(" (urgent: {} new, {} old)", of(each, "urgent_new"), of(each, "urgent_old"));
    out += "\n";
  }
  return out;
}

/// "2026-11-21T04:00:00Z  bob@example.org  open, note"
std::string print_watch_log(const object& event) {
  const array& lines = items(event, "lines");
  if (lines.empty()) return "no watchers to show\n";
  std::string out;
  const std::size_t width = widest(lines, "watcher");
  for (const auto& value : lines) {
    const object& line = value.as_object();
    const std::string view = of(line, "view"), until = of(line, "until");
    out +=
        fmt::format("{}  {}  {}{}{}\n", of(line, "from"), pad(of(line, "watcher"), width), of(line, "shown"),
                    view == "all" ? "" : in_parentheses(view), until.empty() ? "" : ", until " + until);
  }
  return out;
}

/// "1764499999123  2026-11-21T04:00:00Z  sip:bob@example.org < hi (displayed)"
std::string print_archived(const object& message) {
  const std::string with = of(message, "with") + in_parentheses(of(message, "author"));
  return fmt::format("{}  {}  {} {} {}{}{}\n", of(message, "message"), of(message, "at"), with,
                     of(message, "direction") == "sent" ? "<" : ">", lines_of(message, "text"),
                     message.contains("truncated") ? "..." : "", in_parentheses(of(message, "state")));
}

std::string print_history(const object& event) {
  const array& messages = items(event, "messages");
  std::string out = messages.empty() ? "no messages\n" : "";
  for (const auto& each : messages) out += print_archived(each.as_object());
  if (event.contains("more") && event.at("more").as_bool()) out += "there are older ones: --before\n";
  return out;
}

std::string print_room(const object& event) {
  std::string out = of(event, "room");
  if (const std::string topic = of(event, "topic"); !topic.empty()) out += ": " + topic;
  if (event.contains("open")) out += event.at("open").as_bool() ? " (open)" : " (by invitation)";
  out += "\n";
  const array& members = items(event, "members");
  const std::size_t width = widest(members, "user");
  for (const auto& value : members) {
    const object& member = value.as_object();
    out += fmt::format("    {}  {}{}\n", pad(of(member, "user"), width), of(member, "role"),
                       member.at("here").as_bool() ? ", here" : "");
  }
  return out;
}

std::string print_rooms(const object& event) {
  const std::string rooms = list_of(event, "rooms", "\n");
  return rooms.empty() ? "you are in no room\n" : rooms + "\n";
}

std::string print_snapshot(const object& event) {
  std::string out =
      fmt::format("registration: {}\npublication: {}\n", of(event, "registration"), of(event, "publication"));
  for (const auto& value : items(event, "subscriptions")) {
    const object& each = value.as_object();
    out += fmt::format("{} of {}: {}\n", of(each, "package"), of(each, "to"), of(each, "state"));
  }
  for (const auto& each : items(event, "presence")) out += print_presence(each.as_object());
  out += print_watchers(event);
  for (const auto& value : items(event, "calls")) {
    const object& each = value.as_object();
    out += fmt::format("session {} with {}: {}\n", of(each, "call"), of(each, "peer"), of(each, "state"));
  }
  return out;
}

std::string print_call(const object& event) {
  const std::string call = of(event, "call"), state = of(event, "state");
  const bool rings = state == "ringing" && of(event, "direction") == "in";
  std::string beside = rings ? fmt::format("answer {0}, or reject {0}", call) : of(event, "reason");
  if (const std::string why = of(event, "why_not_direct"); state == "dialing" && !why.empty())
    beside = "not direct: " + why;
  const std::string held = of(event, "held");
  if (held == "here" || held == "both") beside = fmt::format("you hold it: resume {}", call);
  if (held == "there") beside = "on hold";
  const auto* const secured = event.if_contains("secured");
  if (secured != nullptr && secured->is_bool() && !secured->get_bool() && state == "active")
    beside += beside.empty() ? "not encrypted" : ", not encrypted";
  return fmt::format("session {} with {}: {}{}\n", call, of(event, "peer"), state, in_parentheses(beside));
}

/// "sip:room@example.org (says it is of sip:bob@example.org, sent 2026-11-21T04:00:00Z): hi". What was sent
/// within the last minute was sent now.
std::string print_message(const object& event) {
  std::string facts;
  const auto add = [&facts](const std::string& fact) { facts += (facts.empty() ? "" : ", ") + fact; };
  if (const std::string author = of(event, "claimed_from"); !author.empty()) add("says it is of " + author);
  const auto sent = parse_time(text(event, "sent")), now = parse_time(text(event, "time"));
  if (sent && now && (*now - *sent > std::chrono::minutes(1) || *sent - *now > std::chrono::minutes(1)))
    add("sent " + of(event, "sent"));
  if (const std::string subject = of(event, "subject"); !subject.empty()) add("about " + subject);
  return fmt::format("{}{}: {}\n", of(event, "from"), in_parentheses(facts), lines_of(event, "text"));
}

/// "message 1f2e3d to sip:bob@example.org: delivered"; "message 1f2e3d: delivered (sip:bob@example.org)"
/// where we do not know whom it went to, or somebody else says so.
std::string print_receipt(const object& event) {
  const std::string from = of(event, "from"), to = of(event, "to");
  return fmt::format("message {}{}: {}{}\n", of(event, "message_id"), to.empty() ? "" : " to " + to,
                     of(event, "state"), from == to ? "" : in_parentheses(from));
}

std::string print_inbox(const object& event) {
  const array& messages = items(event, "messages");
  if (messages.empty()) return "no messages wait\n";
  std::string out;
  const std::size_t width = widest(messages, "from");
  for (const auto& value : messages) {
    const object& each = value.as_object();
    const std::string expires = of(each, "expires");
    out += fmt::format("{:<24} {}  {} octets of {}{}\n", of(each, "date"), pad(of(each, "from"), width),
                       of(each, "size"), of(each, "type"), expires.empty() ? "" : ", until " + expires);
  }
  return out;
}

std::string print_result(const object& event) {
  if (event.contains("state") && event.contains("message_id"))
    return fmt::format("message {}: {}\n", of(event, "message_id"), of(event, "state"));
  if (event.contains("safety_number")) return of(event, "safety_number") + "\n";
  if (event.at("ok").as_bool()) return fmt::format("{}: done\n", of(event, "command"));
  const std::string command = of(event, "command");
  return fmt::format("{}{}{}{}\n", command, command.empty() ? "" : ": ", of(event, "cause"),
                     in_parentheses(of(event, "reason")));
}

}  // namespace

object make_event(std::string_view name, Now now) {
  const auto milliseconds = now.wall.time_since_epoch().count() % 1000;
  std::string time = print_time(now.wall);
  time.insert(time.size() - 1, fmt::format(".{:03}", milliseconds));
  return {{"event", name}, {"time", time}};
}

std::string print(const object& event) { return clean(boost::json::serialize(event)) + "\n"; }

std::string print_for_people(const object& event) {
  const std::string name = text(event, "event");
  if (name == "presence") return print_presence(event);
  if (name == "watchers") return print_watchers(event);
  if (name == "dialogs") return print_dialogs(event);
  if (name == "list") return print_list(event);
  if (name == "contacts") return print_contacts(event);
  if (name == "rules") return print_rules(event);
  if (name == "view") return print_view(event);
  if (name == "registrations") return print_registrations(event);
  if (name == "watch-log") return print_watch_log(event);
  if (name == "welcome")
    return fmt::format("{} registered {}: welcome {}\n", of(event, "to"), of(event, "contact"),
                       event.contains("reason") ? "not sent" + in_parentheses(of(event, "reason")) : "sent");
  if (name == "history") return print_history(event);
  if (name == "room") return print_room(event);
  if (name == "rooms") return print_rooms(event);
  if (name == "message-copy") return print_archived(event);
  if (name == "message-state")
    return fmt::format("{}  {} {}\n", of(event, "message"), of(event, "with"), of(event, "state"));
  if (name == "messages-erased")
    return fmt::format("erased: {}\n", event.contains("message") ? of(event, "message")
                                       : event.contains("with")  ? of(event, "with")
                                                                 : "all");
  if (name == "message-summary") return print_summary(event);
  if (name == "snapshot") return print_snapshot(event);
  if (name == "call") return print_call(event);
  if (name == "dtmf") return fmt::format("session {}: digit {}\n", of(event, "call"), of(event, "digit"));
  if (name == "result") return print_result(event);
  if (name == "message") return print_message(event);
  if (name == "receipt") return print_receipt(event);
  if (name == "inbox") return print_inbox(event);
  if (name == "typing")
    return fmt::format("{} {}\n", of(event, "from"),
                       of(event, "state") == "active" ? "is writing a message" : "stopped writing");
  if (name == "warning") return fmt::format("warning: {}\n", of(event, "text"));
  if (name == "registration" || name == "publication" || name == "connection") {
    return fmt::format("{}: {}{}\n", name, of(event, "state"), in_parentheses(of(event, "reason")));
  }
  if (name == "subscription") {
    if (text(event, "state") == "unknown") return {};  // asked for, not answered yet
    return fmt::format("{} of {}: {}{}\n", of(event, "package"), of(event, "to"), of(event, "state"),
                       in_parentheses(of(event, "reason")));
  }
  if (name == "tone")
    return fmt::format("session {}: a tone of {} Hz\n", of(event, "call"), of(event, "hertz"));
  if (name == "trust") return fmt::format("identity of {}: {}\n", of(event, "of"), of(event, "state"));
  if (name == "call-statistics") {
    const auto number = [&](std::string_view field, std::string_view before, int digits) {
      const auto* const value = event.if_contains(field);
      return value != nullptr ? fmt::format("{}{:.{}f}", before, value->to_number<double>(), digits)
                              : std::string();
    };
    return fmt::format("session {}: sent {}, received {}, lost {}, concealed {}{}{}\n", of(event, "call"),
                       of(event, "sent"), of(event, "received"), of(event, "lost"), of(event, "concealed"),
                       number("round_trip_ms", ", round trip in ms ", 1), number("mos", ", MOS ", 2));
  }
  return {};
}

}  // namespace beckon::client::control
