#include "client/control/command.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>

#include "protocol/base/text.hpp"
#include "protocol/sip/uri.hpp"

namespace beckon::client::control {
namespace {

using Type = Argument::Type;

/// What Expires holds at most (RFC 3261 20.19).
constexpr std::int64_t number_max = 0xffff'ffff;

constexpr const char* direct_modes = "off|ask|auto";

const std::vector<Specification>& table() {
  static const std::vector<Specification> specifications{
      {"register",
       "register this device with the server",
       {{"expires", Type::number, false, "lifetime in seconds"}}},
      {"unregister", "take this device's registration back", {}},
      {"publish",
       "publish presence",
       {{"basic", Type::text, true, "whether you can be reached", "open|closed"},
        {"note", Type::text, false, "a text your watchers see"},
        {"activity", Type::text, false,
         "what you are doing (RFC 4480): away, busy, meeting, on-the-phone, ..."},
        {"direct", Type::text, false, "offer direct sessions: off, ask (ring) or auto (answer at once)",
         direct_modes}}},
      {"unpublish", "take your publication back", {}},
      {"subscribe",
       "watch someone's presence, or with package presence.winfo who watches you",
       {{"to", Type::address, true, "whom"},
        {"package", Type::text, false, "event package; default presence", "presence|presence.winfo"},
        {"expires", Type::number, false, "lifetime in seconds; default 3600"}}},
      {"unsubscribe",
       "end a subscription",
       {{"to", Type::address, true, "whom"},
        {"package", Type::text, false, "event package; default presence", "presence|presence.winfo"}}},
      {"allow",
       "let a watcher see your presence",
       {{"watcher", Type::address, true, "whom"},
        {"direct", Type::text, false, "direct sessions he may start; default off", direct_modes}}},
      {"block", "refuse a watcher", {{"watcher", Type::address, true, "whom"}}},
      {"forget", "remove your rule for a watcher", {{"watcher", Type::address, true, "whom"}}},
      {"message",
       "send a text message",
       {{"to", Type::address, true, "whom"}, {"text", Type::text, true, "what"}}},
      {"media",
       "choose what is played to and recorded from sessions to come",
       {{"play", Type::text, false, "WAV file to play; silence without"},
        {"record", Type::text, false, "WAV file to write; nothing without"}}},
      {"call",
       "start a direct session",
       {{"to", Type::address, true, "whom"},
        {"play", Type::text, false, "WAV file to play instead of the chosen one"},
        {"record", Type::text, false, "WAV file to write instead of the chosen one"}}},
      {"answer", "accept a ringing session", {{"call", Type::text, true, "its id"}}},
      {"reject", "decline a ringing session", {{"call", Type::text, true, "its id"}}},
      {"hangup", "end a session", {{"call", Type::text, true, "its id"}}},
      {"statistics", "figures of a session", {{"call", Type::text, true, "its id"}}},
      {"accept-key", "trust the identity a user shows now", {{"of", Type::address, true, "whose"}}},
      {"safety-number", "the 60 digits to compare with a user", {{"of", Type::address, true, "whose"}}},
      {"snapshot", "tell the whole state in one event", {}},
      {"quit", "unpublish, unregister, end", {}},
  };
  return specifications;
}

Rejected reject(Errc error, std::string id, std::string detail) {
  return {error, std::move(id), std::move(detail)};
}

/// "alice@example.org", "sip:alice@example.org" or "<sip:...>" to "sip:alice@example.org"; empty when it is
/// none.
std::string canonical_address(std::string_view text) {
  text = trim(text);
  if (text.size() > 2 && text.front() == '<' && text.back() == '>') text = text.substr(1, text.size() - 2);
  std::string uri_text(text);
  const bool has_scheme = uri_text.starts_with("sip:") || uri_text.starts_with("sips:");
  const auto uri = sip::parse_uri(has_scheme ? uri_text : "sip:" + uri_text);
  if (!uri || uri->user.empty()) return {};
  return sip::canonical_aor(*uri);
}

bool is_word(std::string_view words, std::string_view value) {
  const auto allowed = split(words, '|');
  return words.empty() || std::find(allowed.begin(), allowed.end(), value) != allowed.end();
}

/// Checks one argument's value and brings it into its canonical form; false when it does not fit.
bool accept(const Argument& argument, boost::json::value& value) {
  switch (argument.type) {
    case Type::number:
      return value.is_int64() && value.as_int64() >= 0 && value.as_int64() <= number_max;
    case Type::text:
      return value.is_string() && is_word(argument.words, value.as_string());
    case Type::address: {
      if (!value.is_string()) return false;
      const std::string address = canonical_address(value.as_string());
      value = address;
      return !address.empty();
    }
  }
  return false;
}

boost::system::result<Command, Rejected> check(Command command) {
  const Specification* specification = find_specification(command.name);
  if (specification == nullptr) return reject(Errc::unknown_command, command.id, command.name);
  for (auto& [key, value] : command.arguments) {
    const std::string_view name = key;
    const auto& arguments = specification->arguments;
    const auto found = std::find_if(arguments.begin(), arguments.end(),
                                    [&](const Argument& each) { return each.name == name; });
    if (found == arguments.end() || !accept(*found, value)) {
      return reject(Errc::bad_argument, command.id, std::string(name));
    }
  }
  for (const Argument& argument : specification->arguments) {
    if (argument.required && !command.has(argument.name)) {
      return reject(Errc::missing_argument, command.id, argument.name);
    }
  }
  return command;
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
  const auto& all = table();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Specification& each) { return each.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::string Command::text(std::string_view argument, std::string_view otherwise) const {
  const auto* value = arguments.if_contains(argument);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string(otherwise);
}

std::int64_t Command::number(std::string_view argument, std::int64_t otherwise) const {
  const auto* value = arguments.if_contains(argument);
  return value != nullptr && value->is_int64() ? value->as_int64() : otherwise;
}

boost::system::result<Command, Rejected> parse_command(std::string_view line) {
  if (line.size() > line_max) return reject(Errc::not_json, {}, "line too long");
  ErrorCode error;
  boost::json::value value = boost::json::parse(line, error);
  if (error || !value.is_object()) return reject(Errc::not_json, {}, error ? error.message() : "no object");
  Command command;
  command.arguments = std::move(value.as_object());
  if (const auto* id = command.arguments.if_contains("id"); id != nullptr && id->is_string()) {
    command.id = id->as_string();
    command.arguments.erase("id");
  }
  if (const auto* name = command.arguments.if_contains("command"); name != nullptr && name->is_string()) {
    command.name = name->as_string();
    command.arguments.erase("command");
  }
  return check(std::move(command));
}

boost::system::result<Command, Rejected> parse_words(std::span<const std::string> words) {
  Command command;
  if (words.empty()) return reject(Errc::unknown_command, {}, "");
  command.name = words.front();
  const Specification* specification = find_specification(command.name);
  if (specification == nullptr) return reject(Errc::unknown_command, {}, command.name);
  const auto& arguments = specification->arguments;
  auto positional = arguments.begin();
  for (std::size_t i = 1; i < words.size(); ++i) {
    auto argument = arguments.end();
    if (words[i].starts_with("--")) {
      const std::string name = words[i].substr(2);
      argument = std::find_if(arguments.begin(), arguments.end(),
                              [&](const Argument& each) { return each.name == name; });
      if (argument == arguments.end()) return reject(Errc::bad_argument, {}, words[i]);
      if (++i == words.size()) return reject(Errc::missing_argument, {}, name);
    } else {
      positional =
          std::find_if(positional, arguments.end(), [](const Argument& each) { return each.required; });
      if (positional == arguments.end()) return reject(Errc::bad_argument, {}, words[i]);
      argument = positional++;
    }
    command.arguments[argument->name] = value_of_word(*argument, words[i]);
  }
  return check(std::move(command));
}

}  // namespace beckon::client::control
