#include "server/admin/explanation.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <string_view>
#include <vector>

#include "protocol/base/printable.hpp"

namespace beckon::server::admin {

namespace {

using boost::json::array;
using boost::json::object;

std::string word(const object& from, std::string_view name) {
  const auto* value = from.if_contains(name);
  if (value == nullptr) return {};
  return printable(value->is_string() ? std::string(value->as_string()) : boost::json::serialize(*value));
}

bool is_set(const object& from, std::string_view name) {
  const auto* value = from.if_contains(name);
  return value != nullptr && value->is_bool() && value->as_bool();
}

const array& list(const object& from, std::string_view name) {
  static const array none;
  const auto* value = from.if_contains(name);
  return value != nullptr && value->is_array() ? value->as_array() : none;
}

const object& part(const object& from, std::string_view name) {
  static const object none;
  const auto* value = from.if_contains(name);
  return value != nullptr && value->is_object() ? value->as_object() : none;
}

/// A server of another version may answer anything.
const object& as_part(const boost::json::value& value) {
  static const object none;
  return value.is_object() ? value.as_object() : none;
}

std::string without_scheme(std::string aor) { return aor.starts_with("sip:") ? aor.substr(4) : aor; }

/// Lines under headings.
class Text {
 public:
  void heading(std::string_view title) { text_ += fmt::format("\n{}\n", title); }
  void line(std::string_view sentence) { text_ += fmt::format("  {}\n", sentence); }
  void detail(std::string_view sentence) { text_ += fmt::format("    {}\n", sentence); }
  std::string text_;
};

void print_devices(Text& out, const object& facts) {
  out.heading("Devices");
  const array& devices = list(facts, "devices");
  if (devices.empty()) out.line("No device is registered.");
  for (const auto& value : devices) {
    const object& device = as_part(value);
    out.line(fmt::format("{} is registered for {} s more{}{}.", word(device, "contact"),
                         word(device, "expires"),
                         word(device, "user_agent").empty() ? "" : ", by " + word(device, "user_agent"),
                         is_set(device, "suspended") ? ", but its connection was lost with a restart" : ""));
    out.detail(fmt::format("It is device {}, and shown {}.", word(device, "device"), word(device, "shown")));
  }
}

std::string fate_of(const object& element) {
  const std::string what = fmt::format("{} \"{}\"", word(element, "element"), word(element, "id"));
  const std::string became = word(element, "became"), as = word(element, "shown_as");
  if (became == "itself") return what + " is shown as it is.";
  if (became == "renamed") return fmt::format("{} is shown as \"{}\", as its id was taken.", what, as);
  if (became == "merged") return fmt::format("{} is part of \"{}\", which others publish too.", what, as);
  return what + " is not shown.";
}

void print_publications(Text& out, const object& facts) {
  out.heading("Publications");
  const array& publications = list(facts, "publications");
  if (publications.empty()) out.line("Nothing is published.");
  for (const auto& value : publications) {
    const object& publication = as_part(value);
    const std::string device = word(publication, "device");
    out.line(fmt::format(
        "Publication {} {} lasts {} s more{}.", word(publication, "number"),
        device.empty() ? "of an unknown device" : "of device " + device, word(publication, "expires"),
        is_set(publication, "incomplete") ? "; the device has not renewed its offers of direct sessions yet"
                                          : ""));
    for (const auto& element : list(publication, "elements")) out.detail(fate_of(as_part(element)));
  }
  const std::string hard_state = word(facts, "hard_state");
  if (hard_state == "shown") out.line("The document written over XCAP is shown, as no device says anything.");
  if (hard_state == "not-shown")
    out.line("The document written over XCAP is not shown, as a device is there.");
}

void print_state(Text& out, const object& facts) {
  const object& state = part(facts, "state");
  out.heading("State");
  std::string tuples;
  for (const auto& value : list(state, "tuples")) {
    const object& tuple = as_part(value);
    tuples += fmt::format("{}\"{}\" {}", tuples.empty() ? "" : ", ", word(tuple, "id"), word(tuple, "basic"));
  }
  out.line(fmt::format("Together this is {}{}.", word(state, "basic"), tuples.empty() ? "" : ": " + tuples));
}

std::string reason_of_decision(const object& decision, const std::string& watcher) {
  const std::string by = word(decision, "by");
  if (by == "own") return "It is the presentity itself, and sees everything.";
  if (by == "foreign-domain") return fmt::format("The domain of {} is not trusted here.", watcher);
  if (by == "default-policy")
    return fmt::format("No rule covers {}; the server's policy is \"{}\".", watcher,
                       word(decision, "policy"));
  std::string ids;
  for (const auto& id : list(decision, "rules"))
    ids += fmt::format("{}\"{}\"", ids.empty() ? "" : ", ",
                       printable(id.is_string() ? std::string(id.as_string()) : boost::json::serialize(id)));
  const bool is_one = list(decision, "rules").size() == 1;
  return fmt::format("{} {} {} about {}.", is_one ? "Rule" : "Rules", ids, is_one ? "decides" : "decide",
                     watcher);
}

void print_decision(Text& out, const object& facts, const std::string& presentity,
                    const std::string& watcher) {
  const object& decision = part(facts, "decision");
  out.heading("Decision");
  out.line(reason_of_decision(decision, watcher));
  const std::string result = word(decision, "result");
  if (result == "block") out.line(fmt::format("{} is refused: a SUBSCRIBE is answered with 403.", watcher));
  if (result == "polite-block")
    out.line(fmt::format("{} is blocked politely, and sees closed only.", watcher));
  if (result == "confirm") out.line(fmt::format("{} sees nothing until {} decides.", watcher, presentity));
  if (result != "allow") return;
  out.line(fmt::format("{} is allowed; direct sessions: {}.", watcher, word(decision, "direct")));
  const array& missing = list(part(facts, "state"), "left_out");
  if (missing.empty()) out.line("Nothing of the state is left out.");
  for (const auto& value : missing) {
    const object& each = as_part(value);
    const std::string id = word(each, "id");
    out.line(fmt::format("{}{}{} is left out.", word(each, "left_out") == "part" ? "A part of " : "",
                         word(each, "element"), id.empty() ? "" : " \"" + id + '"'));
  }
}

std::string wait_of(const object& subscription, const std::string& watcher) {
  const std::string why = word(subscription, "waits_for"), seconds = word(subscription, "waits");
  if (why == "connection")
    return fmt::format("{}'s connection is gone: nothing is sent until {} is back.", watcher, watcher);
  if (why == "store") return "NOTIFYs wait for the store to reserve their numbers.";
  if (why == "rules") return "A change of rules is being worked through; the state follows.";
  if (why == "answer")
    return is_set(subscription, "due") ? "It is not answered yet; a newer state follows the answer."
                                       : "It is not answered yet.";
  if (why == "retry")
    return fmt::format("{} NOTIFYs in a row failed; the state is sent again in {} s.",
                       word(subscription, "failures"), seconds);
  if (why == "pace")
    return fmt::format("A newer state waits for {}'s own pace, {} s more.", watcher, seconds);
  if (why == "turn") return fmt::format("A newer state waits for its turn, {} s more.", seconds);
  if (why == "suppressed") return fmt::format("{} asked for no NOTIFYs.", watcher);
  return {};
}

void print_subscriptions(Text& out, const object& facts, const std::string& watcher) {
  out.heading("NOTIFYs");
  const array& subscriptions = list(facts, "subscriptions");
  if (subscriptions.empty()) out.line(fmt::format("{} has no subscription, so nothing is sent.", watcher));
  for (const auto& value : subscriptions) {
    const object& each = as_part(value);
    const std::string expires = word(each, "expires");
    out.line(fmt::format("Subscription {} is {}, {}.", word(each, "id"), word(each, "state"),
                         expires.empty() ? "as one of a list" : "for " + expires + " s more"));
    const object& last = part(each, "last_notify");
    if (last.empty()) {
      out.detail("No NOTIFY has been sent.");
    } else {
      const std::string status = word(last, "status");
      out.detail(fmt::format("The last NOTIFY is number {} of {} octets, sent {} s ago ({}){}.",
                             word(last, "number"), word(last, "octets"), word(last, "ago"),
                             word(last, "time"), status.empty() ? "" : ", answered " + status));
    }
    if (const std::string wait = wait_of(each, watcher); !wait.empty()) out.detail(wait);
  }
}

std::string delivery_of(const object& device, const std::string& presentity) {
  const std::string is = word(device, "is"), name = word(device, "device");
  if (is == "delivered") return name + " has it.";
  if (is == "refused") return name + " has refused it, and does not get it again.";
  if (is == "under-way") return "One is under way to " + name + ", or is next.";
  if (is == "left-alone") return fmt::format("{} gets it when {} may be disturbed again.", name, presentity);
  if (is == "put-off")
    return fmt::format("{} could not take a message ({} times in a row); it is tried again in {} s.", name,
                       word(device, "times"), word(device, "waits"));
  return name + " gets it when it registers anew.";
}

std::string storing_of(const std::string& why, const std::string& presentity, const std::string& watcher) {
  if (why == "in-order") return fmt::format("It was stored as an earlier message of {} waited.", watcher);
  if (why == "left-alone") return fmt::format("It was stored as {} was not to be disturbed.", presentity);
  return "It was stored as no device took it.";
}

void print_messages(Text& out, const object& facts, const std::string& presentity,
                    const std::string& watcher) {
  if (!facts.contains("messages")) return;
  out.heading("Messages");
  const array& messages = list(facts, "messages");
  if (messages.empty()) out.line(fmt::format("No message of {} is stored.", watcher));
  for (const auto& value : messages) {
    const object& each = as_part(value);
    out.line(fmt::format("{} {} of {} octets came {}, and is kept for {} s more.",
                         is_set(each, "notification") ? "Receipt" : "Message", word(each, "id"),
                         word(each, "octets"), word(each, "since"), word(each, "expires")));
    out.detail(storing_of(word(each, "stored_as"), presentity, watcher));
    const array& devices = list(each, "devices");
    if (devices.empty()) out.detail("It goes to the devices that register.");
    for (const auto& device : devices) out.detail(delivery_of(as_part(device), presentity));
  }
}

}  // namespace

std::string print_explanation(const object& facts) {
  const std::string presentity = without_scheme(word(facts, "presentity"));
  const std::string watcher = without_scheme(word(facts, "watcher"));
  Text out;
  out.text_ = fmt::format("{} as {} sees it, {}\n", presentity, watcher, word(facts, "time"));
  if (!is_set(facts, "user")) out.line(fmt::format("{} is no user of this server.", presentity));
  print_devices(out, facts);
  print_publications(out, facts);
  print_state(out, facts);
  print_decision(out, facts, presentity, watcher);
  print_subscriptions(out, facts, watcher);
  print_messages(out, facts, presentity, watcher);
  return std::move(out.text_);
}

bool knows_presentity(const object& facts) {
  return is_set(facts, "user") || !list(facts, "devices").empty() || !list(facts, "publications").empty() ||
         !list(facts, "subscriptions").empty();
}

}  // namespace beckon::server::admin
