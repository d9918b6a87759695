#include "client/agent/agent.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <memory>

#include "client/presence/view.hpp"
#include "client/xcap/rules_view.hpp"
#include "protocol/base/text.hpp"

namespace beckon::client {

namespace {

presence::Shown::Calls wanted_calls(std::string_view word) {
  using Calls = presence::Shown::Calls;
  return word == "none" ? Calls::none : word == "one" ? Calls::one : Calls::all;
}

}  // namespace

/// Of direct sessions that one device answers by itself; `media/direct` keeps at most 256 of any kind.
static constexpr std::int64_t sessions_max = 200;

void Agent::do_publish(const control::Command& command, Now now) {
  const presence::Shown shown{.open = command.text("basic") == "open",
                              .note = command.text("note"),
                              .activity = command.text("activity"),
                              .direct = ds1::parse_mode(command.text("direct", "off")),
                              .last_seen = command.text("last-seen") == "show",
                              .calls = wanted_calls(command.text("calls"))};
  const auto sessions = command.number("sessions", 1);
  if (sessions < 1 || sessions > sessions_max) {
    return result(command, control::Cause::usage, now, 0,
                  fmt::format("sessions: {} is not a number from 1 to {}", sessions, sessions_max));
  }
  sessions_.set_automatic_sessions(static_cast<std::size_t>(sessions));
  if (!shown.open || shown.direct == ds1::Mode::off) sessions_.withdraw();
  publication_.publish(shown, ends(command), now);
}

void Agent::do_unpublish(const control::Command& command, Now now) {
  sessions_.withdraw();
  if (!publication_.has_any())
    return result(command, control::Cause::not_found, now, 0, "this device publishes nothing");
  publication_.remove(ends(command), now);
}

void Agent::do_subscribe(const control::Command& command, Now now) {
  constexpr std::int64_t standard_seconds = 3600;
  const auto expires = static_cast<std::uint32_t>(command.number("expires", standard_seconds));
  sip::Rates rates;
  for (const auto& [name, rate] : {std::pair{"max-rate", &rates.max}, std::pair{"min-rate", &rates.min},
                                   std::pair{"adaptive-min-rate", &rates.adaptive_min}}) {
    const auto text = command.text(name);
    const auto read = sip::parse_rate(text);
    if (!text.empty() && !read)
      return result(command, control::Cause::usage, now, 0,
                    fmt::format("{}: {} is not so many notifications a second, as 0.2", name, text));
    *rate = read.value_or(0);
  }
  const auto begun =
      subscriptions_.subscribe(command.text("to"), command.text("package", presence::presence_package),
                               expires, ends(command), now, rates);
  if (!begun) result(command, control::Cause::usage, now, 0, begun.error().message());
}

/// The address of a list that is given by name: one of the own domain. Empty: it is none.
static std::string list_address(std::string text, const std::string& own) {
  if (text.find('@') == std::string::npos) text += '@' + std::string(cut(own, '@').second);
  if (!text.starts_with("sip:")) text.insert(0, "sip:");
  const auto uri = sip::parse_uri(text);
  return !uri || uri->user.empty() ? std::string() : sip::canonical_aor(*uri);
}

/// A name is that of a group of contacts, else of a list that the server has by another way.
void Agent::do_watch(const control::Command& command, Now now) {
  const std::string list = command.text("list");
  const std::string uri = list_address(list, config_.account.aor);
  if (list.find('@') != std::string::npos) return watch_list(command, uri, now);
  contacts_.find_service(
      list, command.text("package", presence::presence_package),
      [this, command, uri](int status, const std::string&, const std::string& found, Now at) {
        watch_list(command, status / 100 == 2 ? found : uri, at);
      });
}

void Agent::watch_list(const control::Command& command, const std::string& uri, Now now) {
  constexpr std::int64_t standard_seconds = 3600;
  if (uri.empty())
    return result(
        command, control::Cause::usage, now, 0,
        fmt::format("list: {} is neither a group of your contacts nor NAME@DOMAIN", command.text("list")));
  const auto begun = subscriptions_.subscribe(
      uri, command.text("package", presence::presence_package),
      static_cast<std::uint32_t>(command.number("expires", standard_seconds)), ends(command), now);
  if (!begun) result(command, control::Cause::usage, now, 0, begun.error().message());
}

void Agent::do_watchers(const control::Command& command, Now) {
  watch_log_.read(
      [this, command](int status, const std::string& reason, const documents::WatchLog& log, Now now) {
        if (status == 200) {
          boost::json::array lines;
          for (const auto& line : log.lines) {
            if (!line.until.empty() && !command.flag("log")) continue;
            boost::json::object out{
                {"watcher", line.watcher}, {"view", line.view}, {"shown", line.shown}, {"from", line.from}};
            if (!line.until.empty()) out["until"] = line.until;
            lines.push_back(std::move(out));
          }
          boost::json::object event = control::make_event("watch-log", now);
          event["lines"] = std::move(lines);
          emit_(std::move(event));
        }
        result_of_status(command, status, reason, now);
      });
}

/// The command ends when the server has answered for every user; the first refusal is its result.
void Agent::do_welcome(const control::Command& command, Now now) {
  constexpr std::uint32_t standard_seconds = 3600;
  struct Answers {
    std::size_t left = 0;
    int status = 200;
    std::string reason;
  };
  const auto answers = std::make_shared<Answers>();
  const auto users = command.addresses("users");
  answers->left = users.size();
  const auto take = [this, command, answers](int status, const std::string& reason, Now at) {
    if (answers->status / 100 == 2 && status / 100 != 2) {
      answers->status = status;
      answers->reason = reason;
    }
    if (--answers->left == 0) result_of_status(command, answers->status, answers->reason, at);
  };
  for (const std::string& user : users) {
    welcomes_[user] = command.text("text");
    const auto begun = subscriptions_.subscribe(
        user, std::string(presence::reg_package), standard_seconds,
        [take, user](int status, Now at) { take(status, "watching " + user, at); }, now);
    // Once more: the new text counts.
    if (!begun) take(200, {}, now);
  }
}

void Agent::greet(const std::string& user, const std::string& contact, Now now) {
  auto text = welcomes_.find(user);
  if (text == welcomes_.end()) text = welcomes_.find("sip:" + user.substr(user.find('@') + 1));
  if (text == welcomes_.end()) return;
  pager_.send(
      user, text->second, message::Pager::Ask::no,
      [this, user, contact](const message::Pager::Outcome& outcome, Now at) {
        const int status = outcome.status;
        boost::json::object event = control::make_event("welcome", at);
        event["to"] = user;
        event["contact"] = contact;
        if (status > 0) event["status"] = status;
        if (status / 100 != 2)
          event["reason"] = !outcome.reason.empty() ? std::string_view(outcome.reason)
                            : status > 0            ? sip::default_reason(status)
                                                    : control::reason_of(status);
        emit_(std::move(event));
      },
      now);
}

void Agent::do_unsubscribe(const control::Command& command, Now now) {
  const auto begun = subscriptions_.unsubscribe(
      command.text("to"), command.text("package", presence::presence_package), ends(command), now);
  if (!begun) result(command, control::Cause::not_found, now, 0, begun.error().message());
}

void Agent::set_rule(const control::Command& command, std::optional<documents::Verdict> verdict, Now now) {
  // A block takes effect here at once, even if the server cannot be reached now (DIRECT_SESSIONS 13).
  std::string watcher = command.text("watcher");
  if (command.flag("domain")) watcher = "sip:" + std::string(domain_of_aor(watcher));
  const bool is_blocked = verdict && verdict->handling == documents::SubHandling::block;
  if (watcher.find('@') != std::string::npos) sessions_.set_blocked(watcher, is_blocked, now);
  rules_.set(watcher, verdict, ends_with_reason(command));
}

void Agent::do_allow(const control::Command& command, Now now) {
  set_rule(command,
           documents::Verdict{documents::SubHandling::allow, ds1::parse_mode(command.text("direct", "off"))},
           now);
}

void Agent::do_block(const control::Command& command, Now now) {
  set_rule(command, documents::Verdict{documents::SubHandling::block, ds1::Mode::off}, now);
}

void Agent::do_politely_block(const control::Command& command, Now now) {
  set_rule(command, documents::Verdict{documents::SubHandling::polite_block, ds1::Mode::off}, now);
}

void Agent::do_confirm(const control::Command& command, Now now) {
  set_rule(command, documents::Verdict{documents::SubHandling::confirm, ds1::Mode::off}, now);
}

void Agent::do_forget(const control::Command& command, Now now) { set_rule(command, std::nullopt, now); }

void Agent::do_rules_show(const control::Command& command, Now) {
  rules_.read([this, command](int status, const std::string& reason, const documents::Rules& rules, Now now) {
    if (status == 200) {
      boost::json::object event = control::make_event("rules", now);
      event["rules"] = xcap::make_rules_view(rules);
      emit_(std::move(event));
    }
    result_of_status(command, status, reason, now);
  });
}

void Agent::do_view_as(const control::Command& command, Now) {
  const std::string watcher = command.text("watcher"), wanted = command.text("if");
  preview_.read(watcher, wanted == "politely-block" ? "polite-block" : wanted,
                [this, command, watcher, wanted](int status, const std::string& reason,
                                                 const xcap::Preview::View& view, Now now) {
                  if (status == 200) show_view(watcher, wanted, view, now);
                  result_of_status(command, status,
                                   status == 409 ? "a rule for everybody is in the way" : reason, now);
                });
}

void Agent::show_view(const std::string& watcher, const std::string& rule, const xcap::Preview::View& view,
                      Now now) {
  boost::json::object event = control::make_event("view", now);
  event["watcher"] = watcher;
  if (!rule.empty()) event["if"] = rule;
  event["permission"] = view.permission;
  event["by"] = view.by;
  event["rules"] = boost::json::array(view.rules.begin(), view.rules.end());
  event["direct"] = view.direct;
  if (const auto presence = documents::parse_pidf(view.document))
    event["presence"] = presence::make_view(config_.account.aor, *presence,
                                            [](const std::string&, const crypto::Key32&) { return false; });
  emit_(std::move(event));
}

// Contacts

static std::optional<std::string> optional_text(const control::Command& command, std::string_view name) {
  return command.has(name) ? std::optional(command.text(name)) : std::nullopt;
}

void Agent::do_contacts_list(const control::Command& command, Now) {
  contacts_.list([this, command](int status, const std::string& reason,
                                 const std::vector<contacts::Group>& groups, Now now) {
    if (status != 200) return result_of_status(command, status, reason, now);
    boost::json::array out;
    for (const contacts::Group& group : groups) {
      boost::json::array members;
      for (const contacts::Contact& contact : group.contacts) {
        boost::json::object member{{"of", contact.uri}};
        if (!contact.name.empty()) member["name"] = contact.name;
        members.push_back(std::move(member));
      }
      boost::json::object row{{"group", group.path}, {"contacts", std::move(members)}};
      if (!group.name.empty()) row["name"] = group.name;
      out.push_back(std::move(row));
    }
    boost::json::object event = control::make_event("contacts", now);
    event["groups"] = std::move(out);
    emit_(std::move(event));
    result_of_status(command, status, reason, now);
  });
}

void Agent::do_contacts_add(const control::Command& command, Now) {
  contacts_.add(command.text("contact"), optional_text(command, "name"), optional_text(command, "group"),
                ends_with_reason(command));
}

void Agent::do_contacts_remove(const control::Command& command, Now) {
  contacts_.remove(command.text("contact"), optional_text(command, "group"), ends_with_reason(command));
}

void Agent::do_contacts_group(const control::Command& command, Now) {
  const std::string group = command.text("group");
  if (command.flag("remove")) return contacts_.remove_group(group, ends_with_reason(command));
  contacts_.set_group(group, optional_text(command, "name"), ends_with_reason(command));
}

}  // namespace beckon::client
