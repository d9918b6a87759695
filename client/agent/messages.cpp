#include "client/agent/agent.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "client/archive/view.hpp"
#include "protocol/base/text.hpp"

namespace beckon::client {

void Agent::do_message(const control::Command& command, Now now) {
  using Ask = message::Pager::Ask;
  const std::string receipts = command.text("receipts");
  const Ask ask = receipts == "ask" ? Ask::yes : receipts == "none" ? Ask::no : Ask::as_known;
  pager_.send(
      command.text("to"), command.text("text"), ask,
      [this, command](const message::Pager::Outcome& outcome, Now at) {
        boost::json::object more{{"message_id", outcome.message_id}};
        if (outcome.status / 100 == 2) {
          more["state"] = outcome.status == 202 ? "stored" : "delivered";
          more["receipts"] = outcome.asked;
        }
        result_of_status(command, outcome.status, outcome.reason, at, std::move(more));
      },
      now);
}

void Agent::do_typing(const control::Command& command, Now now) {
  pager_.type(
      command.text("to"), !command.flag("stop"),
      [this, command](int status, std::string_view reason, Now at) {
        result_of_status(command, status, reason, at);
      },
      now);
}

void Agent::do_inbox(const control::Command& command, Now) {
  inbox_.read([this, command](int status, const std::string& reason, boost::json::array messages, Now now) {
    if (status == 200) {
      boost::json::object event = control::make_event("inbox", now);
      event["messages"] = std::move(messages);
      emit_(std::move(event));
    }
    result_of_status(command, status, reason, now);
  });
}

archive::Reader::Done Agent::ends_at_archive(const control::Command& command) {
  return [this, command](int status, const std::string& reason, const documents::MessageArchive&, Now now) {
    result_of_status(command, status, reason, now);
  };
}

/// Which messages a command is about.
static archive::Reader::Selection selection_of(const control::Command& command) {
  const std::string with = command.text("with");
  return {.with = with == "all" ? std::string() : with,
          .number = command.text("message"),
          .before = command.text("before"),
          .since = command.text("since"),
          .limit = command.has("limit") ? std::to_string(command.number("limit", 0)) : std::string()};
}

/// A day begins at midnight (UTC). False: `since` is no time.
static bool complete_time(std::string& since) {
  if (!since.empty() && since.find('T') == std::string::npos) since += "T00:00:00Z";
  return since.empty() || parse_time(since);
}

static std::string no_time(const control::Command& command) {
  return fmt::format("since: {} is not a time, as 2026-11-21 or 2026-11-21T04:00:00Z", command.text("since"));
}

void Agent::do_history(const control::Command& command, Now now) {
  auto selection = selection_of(command);
  if (!complete_time(selection.since))
    return result(command, control::Cause::usage, now, 0, no_time(command));
  archive_.page(selection,
                [this, command](int status, const std::string& reason, const documents::MessageArchive& page,
                                Now at) { show_history(command, status, reason, page, at); });
}

void Agent::show_history(const control::Command& command, int status, const std::string& reason,
                         const documents::MessageArchive& page, Now now) {
  if (status == 200) {
    boost::json::object event = control::make_event("history", now);
    boost::json::array messages;
    for (const auto& each : page.messages) messages.push_back(archive::make_view(each));
    event["messages"] = std::move(messages);
    event["more"] = !page.is_complete;
    event["kept"] = page.is_kept;
    emit_(std::move(event));
  }
  result_of_status(command, status, reason, now);
}

/// A sender that asked for a display notification gets it, also where the server keeps no messages.
void Agent::do_read(const control::Command& command, Now now) {
  const auto selection = selection_of(command);
  if (selection.number.empty()) {
    pager_.all_displayed(selection.with, now);
  } else {
    archive_.page(selection, [this, number = selection.number](
                                 int, const std::string&, const documents::MessageArchive& page, Now at) {
      for (const auto& each : page.messages)
        if (std::to_string(each.number) == number) pager_.displayed(each.with, each.id, at);
    });
  }
  archive_.set_displayed(selection, ends_at_archive(command));
}

void Agent::do_erase(const control::Command& command, Now) {
  archive_.erase(selection_of(command), ends_at_archive(command));
}

void Agent::do_keep_history(const control::Command& command, Now) {
  archive_.keep(command.text("keep") == "yes", ends_at_archive(command));
}

void Agent::catch_up_copies(std::uint64_t after) {
  archive_.changes(after, [this](int status, const std::string&, const documents::MessageArchive& changes,
                                 Now now) { copies_.on_answer(status == 200 ? &changes : nullptr, now); });
}

// Rooms

void Agent::do_rooms(const control::Command& command, Now) {
  rooms_.list(
      [this, command](int status, const std::string& reason, const boost::json::object& view, Now now) {
        if (status == 200) {
          boost::json::object event = control::make_event("rooms", now);
          for (const auto& member : view) event.insert(member);
          emit_(std::move(event));
        }
        result_of_status(command, status, reason, now);
      });
}

void Agent::show_room(const control::Command& command, const std::string& room) {
  rooms_.show(
      room, [this, command](int status, const std::string& reason, const boost::json::object& view, Now now) {
        if (status == 200) {
          boost::json::object event = control::make_event("room", now);
          for (const auto& member : view) event.insert(member);
          emit_(std::move(event));
        }
        result_of_status(command, status, reason, now);
      });
}

/// What is said of a room itself.
static xcap::Rooms::Query room_wishes(const control::Command& command) {
  xcap::Rooms::Query query;
  for (const char* name : {"topic", "open", "invites"})
    if (command.has(name)) query.emplace_back(name, command.text(name));
  return query;
}

void Agent::add_room(const control::Command& command, const std::string& room) {
  auto query = room_wishes(command);
  query.emplace_back("make", "");
  rooms_.change(beckon::xcap::Method::put, room, std::move(query),
                [this, command, room](int status, const std::string& reason, Now now) {
                  if (status / 100 != 2 || !command.has("member"))
                    return result_of_status(command, status, reason, now);
                  xcap::Rooms::Query member{{"member", command.text("member")}};
                  if (command.flag("owner")) member.emplace_back("role", "owner");
                  rooms_.change(beckon::xcap::Method::put, room, std::move(member),
                                [this, command](int its_status, const std::string& why, Now at) {
                                  result_of_status(command, its_status, why, at);
                                });
                });
}

void Agent::do_room(const control::Command& command, Now now) {
  using beckon::xcap::Method;
  const std::string what = command.text("do"), room = command.text("room");
  const bool is_about_another = what == "invite" || what == "remove";
  if (is_about_another && !command.has("member"))
    return result(command, control::Cause::usage, now, 0,
                  fmt::format("whom? room {} ROOM --member USER@DOMAIN", what));
  if (what == "add") return add_room(command, room);
  if (what == "members") return show_room(command, room);
  if (what == "history") {
    std::string since = command.text("since");
    if (!complete_time(since)) return result(command, control::Cause::usage, now, 0, no_time(command));
    xcap::Rooms::Query query;
    if (!since.empty()) query.emplace_back("since", since);
    if (command.has("limit")) query.emplace_back("limit", std::to_string(command.number("limit", 0)));
    return rooms_.history(
        room, std::move(query),
        [this, command](int status, const std::string& reason, const documents::MessageArchive& page,
                        Now at) { show_history(command, status, reason, page, at); });
  }
  const auto done = ends_with_reason(command);
  if (what == "topic") {
    auto query = room_wishes(command);
    if (query.empty())
      return result(command, control::Cause::usage, now, 0,
                    "nothing to change: --topic TEXT, --open yes|no or --invites yes|no");
    return rooms_.change(Method::put, room, std::move(query), done);
  }
  const std::string member = is_about_another ? command.text("member") : config_.account.aor;
  if (what == "invite" || what == "join") {
    xcap::Rooms::Query query{{"member", member}};
    if (command.flag("owner")) query.emplace_back("role", "owner");
    return rooms_.change(Method::put, room, std::move(query), done);
  }
  if (what == "remove" || what == "leave")
    return rooms_.change(Method::del, room, {{"member", member}}, done);
  if (what == "erase") {
    xcap::Rooms::Query query{{"history", ""}};
    if (command.has("message")) query.emplace_back("number", command.text("message"));
    return rooms_.change(Method::del, room, std::move(query), done);
  }
  rooms_.change(Method::del, room, {}, done);
}

}  // namespace beckon::client
