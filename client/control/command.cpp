#include "client/control/command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <functional>

#include "client/control/help.hpp"
#include "client/control/shell_commands.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/uri.hpp"

namespace beckon::client::control {
namespace {

using Type = Argument::Type;

/// What Expires holds at most (RFC 3261 20.19).
constexpr std::int64_t number_max = 0xffff'ffff;

constexpr const char* direct_modes = "off|ask|auto";

const std::vector<Specification>& table() {
  using Then = Specification::Then;
  using E = Executor;
  static const Argument call{"call", Type::text, true, "its id"};
  static const Argument package{
      "package", Type::text, false, "event package; default presence",
      "presence|presence.winfo|dialog|reg|message-summary|beckon-messages|conference"};
  static const Argument ended{
      "package", Type::text, false, "event package; default presence; reg ends a welcome",
      "presence|presence.winfo|dialog|message-summary|beckon-messages|conference|reg"};
  static const Argument within{"within", Type::text, false, "how long, as 5s, 500ms or 2m; default for ever"};
  static const Argument watcher{"watcher", Type::resource, true, "the watcher, or @DOMAIN"};
  static const Argument domain{"domain", Type::flag, false, "for everybody of the watcher's domain"};
  static const Argument contact{"contact", Type::address, true, "the contact"};
  static const Argument peer{"with", Type::address_or_all, true, "the other user, or all"};
  static const Argument one{"message", Type::text, false, "this one only: its number in the history"};
  static const std::vector<Specification> specifications{
      {"register",
       &E::do_register,
       "register this device with the server",
       {{"expires", Type::number, false, "lifetime in seconds"}}},
      {"unregister", &E::do_unregister, "remove this device's registration", {}},
      {"publish",
       &E::do_publish,
       "publish presence",
       {{"basic", Type::text, true, "whether you can be reached", "open|closed"},
        {"note", Type::text, false, "a text your watchers see"},
        {"activity", Type::text, false,
         "what you are doing (RFC 4480): away, busy, meeting, on-the-phone, ...; or do-not-disturb"},
        {"direct", Type::text, false, "offer direct sessions: off, ask (ring) or auto (answer at once)",
         direct_modes},
        {"sessions", Type::number, false,
         "how many direct sessions this device answers by itself at a time: 1 to 200, default 1"},
        {"last-seen", Type::text, false, "let your watchers know when you were last here: hide or show",
         "hide|show"},
        {"calls", Type::text, false,
         "the calls you want, on all your devices: all, one at a time, or none (messages only)",
         "all|one|none"}}},
      {"unpublish", &E::do_unpublish, "remove your publication", {}},
      {"subscribe",
       &E::do_subscribe,
       "watch a user's presence, or what another package shows: your own watchers, dialogs, registrations, "
       "waiting messages, what your other devices send and read, who is in a room",
       {{"to", Type::address, true, "the user, or a list"},
        package,
        {"expires", Type::number, false, "lifetime in seconds; default 3600"},
        {"max-rate", Type::text, false, "the most notifications a second, as 0.2 (RFC 6446)"},
        {"min-rate", Type::text, false, "the fewest notifications a second, with news or without"},
        {"adaptive-min-rate", Type::text, false, "the fewest a second on average, over some of them"}},
       Then::stay},
      {"watch",
       &E::do_watch,
       "watch all members of a list of yours with one subscription: their presence, or another package",
       {{"list", Type::text, true, "the list: a group of your contacts, or its address"},
        {"package", Type::text, false, "event package; default presence; dialog: who is on the phone",
         "presence|dialog|reg"},
        {"expires", Type::number, false, "lifetime in seconds; default 3600"}},
       Then::stay},
      {"watchers",
       &E::do_watchers,
       "show what your watchers are shown, and since when",
       {{"log", Type::flag, false, "also what they were shown before"}}},
      {"welcome",
       &E::do_welcome,
       "send users a text whenever a device of theirs registers",
       {{"users", Type::addresses, true,
         "the users, or @DOMAIN for all of a domain; the server must have you among its "
         "registration_watchers"},
        {"text", Type::text, true, "the text they get"}},
       Then::stay},
      {"unsubscribe",
       &E::do_unsubscribe,
       "end a subscription",
       {{"to", Type::resource, true, "the user, or @DOMAIN"}, ended}},
      {"allow",
       &E::do_allow,
       "let a watcher see your presence",
       {watcher,
        {"direct", Type::text, false, "direct sessions the watcher may start; default off", direct_modes},
        domain}},
      {"block", &E::do_block, "refuse a watcher", {watcher, domain}},
      {"politely-block",
       &E::do_politely_block,
       "show a watcher that you are closed, whatever you publish",
       {watcher, domain}},
      {"confirm",
       &E::do_confirm,
       "let a watcher wait for your decision, and show nothing until then",
       {watcher, domain}},
      {"forget", &E::do_forget, "remove your rule for a watcher", {watcher, domain}},
      {"rules show", &E::do_rules_show, "show your rules: for whom each is, and what it gives", {}},
      {"view-as",
       &E::do_view_as,
       "show what a watcher sees of you now, or would see by another rule",
       {{"watcher", Type::address, true, "the watcher"},
        {"if", Type::text, false, "as if this were the watcher's rule; nothing is changed",
         "allow|block|politely-block|confirm|forget"}}},
      {"contacts list", &E::do_contacts_list, "list your contacts, by groups", {}},
      {"contacts add",
       &E::do_contacts_add,
       "add a contact to your address book on the server, or name one anew",
       {contact,
        {"name", Type::text, false, "what the contact is called; nothing takes the name away"},
        {"group", Type::text, false,
         "the group to add it to, which is made if there is none: friends, or "
         "friends/close"}}},
      {"contacts remove",
       &E::do_contacts_remove,
       "remove a contact from your address book, or from one group",
       {contact, {"group", Type::text, false, "from this group only"}}},
      {"contacts group",
       &E::do_contacts_group,
       "make a group of contacts, name it anew, or remove an empty one",
       {{"group", Type::text, true, "the group: friends, or friends/close for one inside it"},
        {"name", Type::text, false, "what people read; nothing takes the name away"},
        {"remove", Type::flag, false, "remove it"}}},
      {"message",
       &E::do_message,
       "send a text message",
       {{"receipts", Type::text, false,
         "ask to be told when it is delivered, stored or displayed; default: if the recipient's program has "
         "shown that "
         "it can",
         "ask|none"},
        {"to", Type::target, true, "the recipient"},
        {"text", Type::text, true, "the text: all that follows", "", true}}},
      {"typing",
       &E::do_typing,
       "let a user know that you are writing a message",
       {{"to", Type::target, true, "the user"},
        {"stop", Type::flag, false, "that you stopped; it is said by itself after 15 s"}}},
      {"inbox", &E::do_inbox, "list the messages that wait on the server", {}},
      {"history",
       &E::do_history,
       "show the messages that the server keeps",
       {peer,
        {"since", Type::text, false, "a time, as 2026-11-21 or 2026-11-21T04:00:00Z"},
        {"limit", Type::number, false, "so many, the newest; default 50"},
        {"before", Type::text, false, "only those before this one: its number in the history"}}},
      {"read", &E::do_read, "mark received messages as read, for your other devices too", {peer, one}},
      {"erase", &E::do_erase, "erase messages that the server keeps, for all your devices", {peer, one}},
      {"keep-history",
       &E::do_keep_history,
       "choose whether the server keeps messages from now on",
       {{"keep", Type::text, true, "whether it does", "yes|no"}}},
      {"rooms", &E::do_rooms, "list the rooms that you are in", {}},
      {"room",
       &E::do_room,
       "make, show, change and end a room, or read what was said there",
       {{"do", Type::text, true, "what to do; a room has its name, its members and its owners",
         "add|members|invite|remove|join|leave|topic|history|erase|end"},
        {"room", Type::address, true, "the room"},
        {"member", Type::address, false, "whom to invite or to remove; the first member of a new room"},
        {"owner", Type::flag, false, "the member becomes an owner"},
        {"topic", Type::text, false, "what the room is about"},
        {"open", Type::text, false, "whether anybody of the domain may join", "yes|no"},
        {"invites", Type::text, false, "whether members may invite others, not only owners", "yes|no"},
        {"since", Type::text, false, "of history: a time, as 2026-11-21 or 2026-11-21T04:00:00Z"},
        {"limit", Type::number, false, "of history: so many, the newest; default 50"},
        {"message", Type::text, false, "of erase: this one only, its number in the history"}}},
      {"media",
       &E::do_media,
       "choose what later calls play and record",
       {{"play", Type::text, false, "WAV file to play; default silence"},
        {"record", Type::text, false, "WAV file to write; default none"}}},
      {"call",
       &E::do_call,
       "call a user",
       {{"to", Type::address, true, "the callee"},
        {"by", Type::text, false,
         "how: a direct session, an INVITE through the server, or the best that is possible; default best",
         "direct|invite|best"},
        {"play", Type::text, false, "WAV file to play instead of the chosen one"},
        {"record", Type::text, false, "WAV file to write instead of the chosen one"},
        {"unproven", Type::flag, false,
         "an INVITE may stand in for a direct session also where you know the callee's identity, which it "
         "cannot "
         "prove"}},
       Then::stay},
      {"talk",
       &E::do_talk,
       "talk to a user by the best way: a direct session, else a call by INVITE, else a message; ends with "
       "the "
       "call",
       {{"to", Type::address, true, "the callee"},
        {"for", Type::text, false, "how long to talk, as 10s or 2m; default until one of you hangs up"},
        {"within", Type::text, false, "how long it may ring, as 20s; default 60s"},
        {"by", Type::text, false, "this way only, as for call; default best", "direct|invite|best"},
        {"play", Type::text, false, "WAV file to play instead of the chosen one"},
        {"record", Type::text, false, "WAV file to write instead of the chosen one"},
        {"message", Type::text, false, "what to write where nobody takes the call"},
        {"unproven", Type::flag, false, "as for call"}},
       Then::leave},
      {"answer", &E::do_answer, "accept a ringing call", {call}},
      {"reject", &E::do_reject, "decline a ringing call", {call}},
      {"hangup", &E::do_hangup, "end a call", {call}},
      {"hold", &E::do_hold, "hold a call by INVITE: you hear nothing until you resume it", {call}},
      {"resume", &E::do_resume, "resume a call that you hold", {call}},
      {"dtmf",
       &E::do_dtmf,
       "send digits in a call by INVITE, as a telephone's keys do",
       {call, {"digits", Type::text, true, "of 0123456789*#ABCD"}}},
      {"statistics", &E::do_statistics, "report the figures of a call", {call}},
      {"accept-key",
       &E::do_accept_key,
       "trust the identity that a user shows now",
       {{"of", Type::address, true, "the user"},
        {"ident", Type::text, false, "the identity, as the event trust shows it; default the newest"}}},
      {"safety-number",
       &E::do_safety_number,
       "print the 60 digits to compare with a user",
       {{"of", Type::address, true, "the user"}}},
      {"wait presence",
       &E::do_wait_presence,
       "wait until a user is open, or closed; one that is not watched yet is watched",
       {{"of", Type::address, true, "the user"},
        {"basic", Type::text, true, "for what to wait", "open|closed"},
        within},
       Then::leave},
      {"wait message",
       &E::do_wait_message,
       "wait for a message; a device that is not registered yet is registered",
       {{"from", Type::address, false, "of this user only"},
        {"matching", Type::text, false, "whose text has a match of this regular expression"},
        within},
       Then::leave},
      {"wait watcher",
       &E::do_wait_watcher,
       "wait until a user asks to watch you, or watches you; your watchers are watched from then on",
       {{"watcher", Type::address, true, "the user"},
        {"status", Type::text, false, "for what to wait; default either", "pending|active"},
        within},
       Then::leave},
      {"wait audio",
       &E::do_wait_audio,
       "wait until a tone is heard in a session, for 200 ms",
       {{"tone", Type::number, true, "in hertz: 100 to 4000"},
        {"call", Type::text, false, "of this session only"},
        within},
       Then::leave},
      {"snapshot", &E::do_snapshot, "report the whole state in one event", {}},
      {"quit", &E::do_quit, "unpublish, unregister, end", {}, Then::quit},
  };
  return specifications;
}

Rejected reject(Errc error, const Command& command, std::string detail) {
  return {error, command.id, std::move(detail), command.specification};
}

/// "alice@example.org", "sip:alice@example.org" or "<sip:...>" to "sip:alice@example.org"; empty if it is not
/// an address. A name alone is one of the domain `home`, if that is not empty. A target keeps what makes it a
/// GRUU (RFC 5627 3).
std::string canonical_address(std::string_view text, std::string_view home, bool is_target = false) {
  text = trim(text);
  if (text.size() > 2 && text.front() == '<' && text.back() == '>') text = text.substr(1, text.size() - 2);
  std::string uri_text(text);
  const bool has_scheme = uri_text.starts_with("sip:") || uri_text.starts_with("sips:");
  if (!has_scheme && !uri_text.empty() && !home.empty() && uri_text.find('@') == std::string::npos)
    uri_text.append("@").append(home);
  const auto uri = sip::parse_uri(has_scheme ? uri_text : "sip:" + uri_text);
  if (!uri || uri->user.empty()) return {};
  std::string address = sip::canonical_aor(*uri);
  if (const auto device = uri->parameter("gr"); is_target && device)
    sip::add_parameter(address, "gr", *device);
  return address;
}

/// The same, and "@example.org", every user of a domain, to "sip:example.org".
std::string canonical_resource(std::string_view text, std::string_view home) {
  text = trim(text);
  if (!text.starts_with('@') && !text.starts_with("sip:")) return canonical_address(text, home);
  const auto uri = sip::parse_uri("sip:" + std::string(text.substr(text.starts_with('@') ? 1 : 4)));
  if (!uri || !uri->user.empty()) return canonical_address(text, home);
  return sip::canonical_aor(*uri);
}

bool is_word(std::string_view words, std::string_view value) {
  const auto allowed = split(words, '|');
  return words.empty() || std::find(allowed.begin(), allowed.end(), value) != allowed.end();
}

/// What is wrong with the value of an argument, and what is allowed.
std::string describe_bad(const Argument& argument, const boost::json::value& given, const Naming& naming) {
  const std::string value =
      given.is_string() ? std::string(given.as_string()) : boost::json::serialize(given);
  std::string allowed = form_of(argument);
  if (argument.type == Type::number) allowed = fmt::format("a number from 0 to {}", number_max);
  const bool is_user = allowed.starts_with("USER");
  if (is_user && naming.has_contacts()) allowed += ", and no contact is called so";
  return fmt::format("{}: {} is not {}", argument.name, value.empty() ? "nothing" : value, allowed);
}

/// Who is meant by a text: a contact that is called so, else the address. Empty: nobody, or, with `why`,
/// several.
std::string address_of(const boost::json::value& given, Type type, const Naming& naming, std::string& why) {
  if (!given.is_string()) return {};
  const std::string_view text = given.as_string();
  const auto called = naming.contacts_called(trim(text));
  if (called.size() == 1) return called.front();
  for (const std::string& each : called)
    why += (why.empty() ? fmt::format("{} may be ", trim(text)) : " or ") + each.substr(each.find(':') + 1);
  if (!why.empty()) why += "; type the address of the one you mean";
  if (!why.empty()) return {};
  const bool may_be_domain = type == Type::resource || type == Type::addresses;
  return may_be_domain ? canonical_resource(text, naming.home())
                       : canonical_address(text, naming.home(), type == Type::target);
}

/// Checks one argument's value and brings it into its canonical form; false when it does not fit, with `why`
/// where there is more to say than what is allowed.
bool accept(const Argument& argument, boost::json::value& value, const Naming& naming, std::string& why) {
  switch (argument.type) {
    case Type::number:
      return value.is_int64() && value.as_int64() >= 0 && value.as_int64() <= number_max;
    case Type::text:
      return value.is_string() && is_word(argument.words, value.as_string());
    case Type::address_or_all:
      if (value.is_string() && value.as_string() == "all") return true;
      [[fallthrough]];
    case Type::address:
    case Type::target:
    case Type::resource: {
      const std::string address = address_of(value, argument.type, naming, why);
      value = address;
      return !address.empty();
    }
    case Type::addresses: {
      if (!value.is_array() || value.as_array().empty()) return false;
      for (auto& each : value.as_array()) {
        const std::string address = address_of(each, argument.type, naming, why);
        if (address.empty()) return false;
        each = address;
      }
      return true;
    }
    case Type::flag:
      return value.is_bool();
  }
  return false;
}

boost::system::result<Command, Rejected> check(Command command, const Naming& naming) {
  const Specification* const specification = command.specification;
  for (auto& [key, value] : command.arguments) {
    const std::string_view name = key;
    const auto& arguments = specification->arguments;
    const auto found = std::find_if(arguments.begin(), arguments.end(),
                                    [&](const Argument& each) { return each.name == name; });
    if (found == arguments.end())
      return reject(Errc::bad_argument, command, fmt::format("{} has no argument {}", command.name(), name));
    const boost::json::value given = value;
    std::string why;
    if (accept(*found, value, naming, why)) continue;
    return reject(
        Errc::bad_argument, command,
        why.empty() ? describe_bad(*found, given, naming) : fmt::format("{}: {}", found->name, why));
  }
  for (const Argument& argument : specification->arguments) {
    if (argument.required && !command.has(argument.name)) {
      return reject(Errc::missing_argument, command,
                    fmt::format("{}; {}", argument.name, usage_of(*specification)));
    }
  }
  return command;
}

/// A word of a line, and the line from its first octet on: a view, as the words of a line may be many.
struct Word {
  std::string text;
  std::string_view rest;
  bool closed = true;  ///< False: its second quotation mark is missing.
};

std::vector<Word> split_words(std::string_view line) {
  std::vector<Word> words;
  bool quoted = false, inside = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (is_blank(c) && !quoted) {
      inside = false;
      continue;
    }
    if (!std::exchange(inside, true)) words.push_back({{}, trim(line.substr(i))});
    if (c == '"')
      quoted = !quoted;
    else
      words.back().text.push_back(c);
  }
  if (quoted) words.back().closed = false;
  return words;
}

/// The words of a shell, which has taken its quotation marks off. `line` becomes the line they stand for.
std::vector<Word> take_words(std::span<const std::string> texts, std::string& line) {
  for (const std::string& text : texts) line.append(line.empty() ? "" : " ").append(text);
  std::vector<Word> words;
  std::string_view rest = line;
  for (const std::string& text : texts) {
    words.push_back({text, rest});
    rest.remove_prefix(std::min(text.size() + 1, rest.size()));
  }
  return words;
}

boost::json::value value_of_word(const Argument& argument, const std::string& word) {
  if (argument.type != Type::number) return boost::json::value(word);
  const auto number = parse_number<std::int64_t>(word);
  return number ? boost::json::value(*number) : boost::json::value(word);
}

}  // namespace

const char* to_string(Errc value) {
  switch (value) {
    case Errc::not_json:
      return "not a JSON object on one line";
    case Errc::too_long:
      return "line too long";
    case Errc::unknown_command:
      return "unknown command";
    case Errc::missing_argument:
      return "missing argument";
    case Errc::bad_argument:
      return "bad argument";
  }
  return "unknown";
}

std::span<const Specification> specifications() { return table(); }

const Specification* find_specification(std::string_view name) {
  const auto found = std::ranges::find(table(), name, &Specification::name);
  return found == table().end() ? nullptr : &*found;
}

const Specification& quit() {
  return *std::ranges::find(table(), Specification::Then::quit, &Specification::then);
}

std::string Command::text(std::string_view argument, std::string_view otherwise) const {
  const auto* value = arguments.if_contains(argument);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string(otherwise);
}

std::int64_t Command::number(std::string_view argument, std::int64_t otherwise) const {
  const auto* value = arguments.if_contains(argument);
  return value != nullptr && value->is_int64() ? value->as_int64() : otherwise;
}

std::vector<std::string> Command::addresses(std::string_view argument) const {
  std::vector<std::string> all;
  if (const auto* value = arguments.if_contains(argument); value != nullptr && value->is_array())
    for (const auto& each : value->as_array()) all.emplace_back(each.as_string());
  return all;
}

bool Command::flag(std::string_view argument) const {
  const auto* value = arguments.if_contains(argument);
  return value != nullptr && value->is_bool() && value->as_bool();
}

boost::system::result<Command, Rejected> parse_command(std::string_view line, const Naming& naming) {
  if (line.size() > line_max)
    return reject(Errc::too_long, Command{}, fmt::format("{} octets at most", line_max));
  ErrorCode error;
  boost::json::value value = boost::json::parse(line, error);
  if (error || !value.is_object())
    return reject(Errc::not_json, Command{}, error ? error.message() : "not an object");
  Command command;
  command.arguments = std::move(value.as_object());
  if (const auto* id = command.arguments.if_contains("id"); id != nullptr && id->is_string()) {
    command.id = id->as_string();
    command.arguments.erase("id");
  }
  std::string name;
  if (const auto* given = command.arguments.if_contains("command"); given != nullptr && given->is_string()) {
    name = given->as_string();
    command.arguments.erase("command");
  }
  command.specification = find_specification(name);
  if (command.specification == nullptr) return reject(Errc::unknown_command, command, name);
  return check(std::move(command), naming);
}

namespace {

boost::system::result<Command, Rejected> read(const std::vector<Word>& words, const Naming& naming) {
  Command command;
  if (words.empty()) return reject(Errc::unknown_command, Command{}, "");
  const std::string first = words.front().text;
  std::size_t next = 1;
  command.specification = find_specification(first);
  if (command.specification == nullptr && words.size() > 1)
    command.specification = find_specification(first + ' ' + words[next++].text);
  if (command.specification == nullptr) {
    const std::string known = second_words(first), near = nearest_command(first);
    if (is_shell_word(first))
      return reject(Errc::unknown_command, Command{},
                    fmt::format("{0} is typed in a shell, not here: beckon {0}", first));
    if (!known.empty())
      return reject(Errc::unknown_command, Command{}, first + " is followed by one of " + known);
    return reject(
        Errc::unknown_command, Command{},
        first + (near.empty() ? "; " : "; do you mean " + near + "? ") + "`help` lists those there are");
  }
  const auto& arguments = command.specification->arguments;
  auto positional = arguments.begin();
  for (std::size_t i = next; i < words.size(); ++i) {
    auto argument = arguments.end();
    if (words[i].text.starts_with("--")) {
      const std::string name = words[i].text.substr(2);
      argument = std::ranges::find(arguments, name, &Argument::name);
      if (argument == arguments.end())
        return reject(Errc::bad_argument, command, fmt::format("{} has no --{}", command.name(), name));
      if (argument->type == Type::flag) {
        command.arguments[argument->name] = true;
        continue;
      }
      if (++i == words.size()) return reject(Errc::missing_argument, command, "--" + name + " has no value");
    } else {
      positional = std::find_if(positional, arguments.end(), std::mem_fn(&Argument::required));
      if (positional == arguments.end())
        return reject(
            Errc::bad_argument, command,
            fmt::format("{} is one word too many; {}", words[i].text, usage_of(*command.specification)));
      argument = positional;
      if (argument->type != Type::addresses) ++positional;
    }
    const Word& word = words[i];
    if (argument->takes_rest && (i + 1 < words.size() || (!word.closed && !word.rest.starts_with('"')))) {
      command.arguments[argument->name] = word.rest;
      break;
    }
    if (!word.closed) return reject(Errc::bad_argument, command, "a quotation mark has no second one");
    if (argument->type == Type::addresses) {
      auto& value = command.arguments[argument->name];
      if (!value.is_array()) value = boost::json::array();
      value.as_array().emplace_back(word.text);
      continue;
    }
    command.arguments[argument->name] = value_of_word(*argument, word.text);
  }
  return check(std::move(command), naming);
}

}  // namespace

boost::system::result<Command, Rejected> parse_words(std::span<const std::string> words,
                                                     const Naming& naming) {
  std::string line;
  return read(take_words(words, line), naming);
}

boost::system::result<Command, Rejected> parse_line(std::string_view line, const Naming& naming) {
  return read(split_words(line), naming);
}

}  // namespace beckon::client::control
