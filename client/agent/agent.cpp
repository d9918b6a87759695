#include "client/agent/agent.hpp"

#include <boost/json/array.hpp>

#include "client/archive/view.hpp"
#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/check.hpp"

namespace beckon::client {

namespace {

/// A file that cannot be read is a mistake in the command; any other error is the session's.
control::Cause cause_of_dial(const ErrorCode& error) {
  const ErrorCode of_session = beckon::direct::Errc::no_permission;
  const ErrorCode of_sound = stream::Errc::no_codec;
  const bool about_session =
      error.category() == of_session.category() || error.category() == of_sound.category();
  return about_session ? control::Cause::no_direct : control::Cause::usage;
}

presence::Shown::Calls wanted_calls(std::string_view word) {
  using Calls = presence::Shown::Calls;
  return word == "none" ? Calls::none : word == "one" ? Calls::one : Calls::all;
}

}  // namespace

Agent::Agent(Config config, direct::Keyring keyring, Edges edges, control::OnEvent emit)
    : config_(std::move(config)),
      edges_(std::move(edges)),
      keyring_(std::move(keyring)),
      emit_(std::move(emit)),
      connection_{config_.servers.front(), 0, 0, config_.servers},
      tracer_(edges_.transport, edges_.clock, emit_, config_.tracing),
      layer_({.times = config_.times}, tracer_, edges_.timers, edges_.clock, edges_.random, dispatcher_),
      requester_(config_.account, layer_, edges_.random),
      context_{config_.account,         connection_,  edges_.transport, layer_, requester_,
               edges_.timers,           edges_.clock, edges_.random,    emit_,  config_.keep_alive,
               config_.has_gruu_contact},
      dispatcher_(context_),
      registration_(context_, [this](Now now) { on_registered(now); }, edges_.on_all_servers_failed,
                    {.ping_stream = edges_.ping_stream,
                     .on_failed = [this](std::string_view why, Now now) { on_datagrams_failed(why, now); }}),
      pager_(context_, std::move(config_.messages),
             [this](const std::string& from, const std::string& id) { copies_.note_own(from, id); }),
      rules_(config_.account, config_.xcap_root, edges_.http, edges_.random),
      watch_log_(config_.account, config_.xcap_root, edges_.http, edges_.random),
      inbox_(config_.account, edges_.http, edges_.random),
      rooms_(config_.account, config_.xcap_root, edges_.http, edges_.random),
      archive_(config_.account, config_.xcap_root, edges_.http, edges_.random),
      copies_(emit_, [this](std::uint64_t after, Now) { catch_up_copies(after); }),
      subscriptions_(
          context_,
          {.is_verified = [this](const std::string& aor,
                                 const crypto::Key32& key) { return edges_.pins.is_verified(aor, key); },
           .on_presence = [this](const std::string& of, const documents::Presence& presence,
                                 Now now) { learn_identities(of, presence, now); },
           .on_watchers =
               [this](const documents::WatcherInfo& info, Now now) {
                 for (const auto& permit : info.permits) sessions_.permit(permit.aor, permit.mode, now);
               },
           .on_registered = [this](const std::string& of, const std::string& contact,
                                   Now now) { greet(of, contact, now); },
           .on_archive = [this](const documents::MessageArchive* changes,
                                Now now) { changes ? copies_.on_notified(*changes, now) : copies_.reset(); },
           .on_change = [this] { update_reachability(); }}),
      book_(context_),
      sessions_(context_, book_, keyring_, edges_.pins, edges_.port, edges_.on_pins_changed),
      publication_(
          context_,
          [this](bool renew, Now now) { return sessions_.offer(publication_.shown().direct, renew, now); },
          std::move(config_.published)) {
  sessions_.on_new_epoch_due([this](Now now) { publication_.update(now); });
  dispatcher_.add(pager_);
  dispatcher_.add(subscriptions_);
}

Agent::~Agent() = default;

void Agent::start(Now now) {
  boost::json::object event = control::make_event("ready", now);
  event["version"] = BECKON_VERSION;
  event["contract"] = 1;
  event["account"] = config_.account.aor;
  event["server"] = config_.server_text;
  emit_(std::move(event));
}

void Agent::set_servers(std::vector<transaction::Hop> servers) {
  if (connection_.flow == 0) connection_.turn_to(servers.front());
  connection_.servers = std::move(servers);
  connection_.failed = 0;
}

// --- from the network

void Agent::on_message(const transaction::Hop& from, const sip::Message& message, Now now) {
  tracer_.on_received(from, message, now);
  if (const auto rejected = sip::check(message)) {
    log::warn("sip", "{} {}: {}", print(from.remote), message.call_id(), rejected->reason);
    if (message.is_response() || message.method() == sip::Method::ack) return;
    auto reply =
        sip::Builder::reply(message, rejected->status, edges_.random.token(6), rejected->reason).finish();
    return tracer_.send(from, share(std::move(reply)), {});
  }
  adopt(from);
  layer_.receive(from, message, now);
}

void Agent::on_malformed(const transaction::Hop& from, ErrorCode why, std::string_view text, Now now) {
  log::warn("sip", "{}: unreadable message: {}", print(from.remote), why.message());
  tracer_.on_malformed(from, why, text, now);
  const auto refusal = sip::refusal(share(text), why);
  if (!refusal) return;
  auto reply =
      sip::Builder::reply(refusal->head, refusal->status, edges_.random.token(6), refusal->reason).finish();
  tracer_.send(from, share(std::move(reply)), {});
}

/// Requests use the newest connection to the current server. Any other is only answered on: one to a server
/// that was left, one that was made for a request too long for a datagram, one from a peer.
bool Agent::adopt(const transaction::Hop& from) {
  const auto& server = connection_.server;
  if (from.flow == 0 || from.protocol != server.protocol || from.remote != server.remote) return false;
  if (from.flow == connection_.flow) return true;
  connection_.was_lost |= connection_.flow != 0;
  connection_.flow = from.flow;
  update_reachability();
  return true;
}

void Agent::update_reachability() {
  sessions_.set_reachable(connection_.flow != 0 && subscriptions_.watches_own());
}

void Agent::on_flow_opened(const transaction::Hop& flow, Now now) {
  layer_.on_flow_opened(flow);
  if (adopt(flow)) report_connection("up", {}, now);
}

void Agent::report_connection(std::string_view state, std::string_view reason, Now now) {
  boost::json::object event = control::make_event("connection", now);
  event["state"] = state;
  if (!reason.empty()) event["reason"] = reason;
  emit_(std::move(event));
}

void Agent::on_flow_closed(transaction::FlowId flow, Now now) {
  const bool is_current = flow == connection_.flow;
  if (is_current) {
    connection_.flow = 0;
    connection_.direct = 0;
    connection_.was_lost = true;
  }
  layer_.on_flow_closed(flow, now);
  if (!is_current) return;
  report_connection("down", {}, now);
  update_reachability();
  if (!finished_) registration_.on_connection_lost(now);
}

void Agent::on_datagrams_failed(std::string_view why, Now now) {
  connection_.was_lost = true;
  report_connection("down", why, now);
  if (!finished_) registration_.on_connection_lost(now);
}

/// On a new connection, or at another server, subscriptions are refreshed and presence is published again:
/// the server may have lost them, and notifies the connection that asks.
void Agent::on_registered(Now now) {
  if (!std::exchange(connection_.was_lost, false)) return publication_.on_offer(now);
  if (connection_.server.protocol == transaction::Protocol::udp) report_connection("up", {}, now);
  subscriptions_.refresh_all(now);
  publication_.update(now);
}

void Agent::learn_identities(const std::string& of, const documents::Presence& presence, Now now) {
  for (const auto& tuple : presence.tuples) {
    const auto direct = documents::find_direct(tuple);
    if (direct && direct->ident) sessions_.learn(of, direct->key, *direct->ident, now);
  }
}

// --- commands

void Agent::refuse(const control::Rejected& rejected, Now now) {
  control::Command command;
  command.id = rejected.id;
  command.specification = rejected.specification;
  result(command, control::Cause::usage, now, 0, rejected.error.message() + ": " + rejected.detail);
}

void Agent::result(const control::Command& command, control::Cause cause, Now now, int status,
                   std::string_view reason, boost::json::object more) {
  boost::json::object event = control::make_event("result", now);
  if (!command.id.empty()) event["id"] = command.id;
  event["command"] = command.name();
  event["ok"] = cause == control::Cause::done;
  event["cause"] = control::to_string(cause);
  if (status > 0) event["status"] = status;
  if (!reason.empty()) event["reason"] = reason;
  for (auto& member : more) event.insert(member);
  emit_(std::move(event));
}

void Agent::result_of_status(const control::Command& command, int status, std::string_view reason, Now now,
                             boost::json::object more) {
  const control::Cause cause = control::cause_of(status);
  if (cause == control::Cause::done) return result(command, cause, now, status, {}, std::move(more));
  std::string words(reason);
  if (words.empty()) words = status > 0 ? sip::default_reason(status) : control::reason_of(status);
  if (cause == control::Cause::credentials) words = "the server refuses this name or password";
  result(command, cause, now, status, words, std::move(more));
}

auto Agent::ends(const control::Command& command) {
  return [this, command](int status, Now now) { result_of_status(command, status, "", now); };
}

void Agent::do_register(const control::Command& command, Now now) {
  constexpr std::int64_t standard_seconds = 3600;
  const auto expires = static_cast<std::uint32_t>(command.number("expires", standard_seconds));
  registration_.start(expires, ends(command), now);
}

void Agent::do_unregister(const control::Command& command, Now now) {
  registration_.stop(ends(command), now);
}

void Agent::do_publish(const control::Command& command, Now now) {
  const presence::Shown shown{.open = command.text("basic") == "open",
                              .note = command.text("note"),
                              .activity = command.text("activity"),
                              .direct = ds1::parse_mode(command.text("direct", "off")),
                              .last_seen = command.text("last-seen") == "show",
                              .calls = wanted_calls(command.text("calls"))};
  if (!shown.open || shown.direct == ds1::Mode::off) sessions_.withdraw();
  publication_.publish(shown, ends(command), now);
}

void Agent::do_unpublish(const control::Command& command, Now now) {
  sessions_.withdraw();
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
      return result(command, control::Cause::usage, now, 0, std::string(name) + " is a number such as 0.2");
    *rate = read.value_or(0);
  }
  const auto begun =
      subscriptions_.subscribe(command.text("to"), command.text("package", presence::presence_package),
                               expires, ends(command), now, rates);
  if (!begun) result(command, control::Cause::usage, now, 0, begun.error().message());
}

/// A list without a domain is one of the own domain.
void Agent::do_watch(const control::Command& command, Now now) {
  constexpr std::int64_t standard_seconds = 3600;
  std::string text = command.text("list");
  if (text.find('@') == std::string::npos) text += '@' + std::string(cut(config_.account.aor, '@').second);
  if (!text.starts_with("sip:")) text.insert(0, "sip:");
  const auto uri = sip::parse_uri(text);
  if (!uri || uri->user.empty())
    return result(command, control::Cause::usage, now, 0, "list is a name, or an address");
  const auto begun = subscriptions_.watch(
      sip::canonical_aor(*uri), static_cast<std::uint32_t>(command.number("expires", standard_seconds)),
      ends(command), now);
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
  const std::string watcher = command.text("watcher");
  sessions_.set_blocked(watcher, verdict && verdict->handling == documents::SubHandling::block, now);
  rules_.set(watcher, verdict, [this, command](int status, const std::string& reason, Now at) {
    result_of_status(command, status, reason, at);
  });
}

void Agent::do_allow(const control::Command& command, Now now) {
  set_rule(command,
           documents::Verdict{documents::SubHandling::allow, ds1::parse_mode(command.text("direct", "off"))},
           now);
}

void Agent::do_block(const control::Command& command, Now now) {
  set_rule(command, documents::Verdict{documents::SubHandling::block, ds1::Mode::off}, now);
}

void Agent::do_forget(const control::Command& command, Now now) { set_rule(command, std::nullopt, now); }

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

auto Agent::ends_at_archive(const control::Command& command) {
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

static constexpr std::string_view how_since_is_written = "since is a time such as 2026-11-21T04:00:00Z";

void Agent::do_history(const control::Command& command, Now now) {
  auto selection = selection_of(command);
  if (!complete_time(selection.since))
    return result(command, control::Cause::usage, now, 0, how_since_is_written);
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
    return result(command, control::Cause::usage, now, 0, "the member is missing");
  if (what == "add") return add_room(command, room);
  if (what == "members") return show_room(command, room);
  if (what == "history") {
    std::string since = command.text("since");
    if (!complete_time(since)) return result(command, control::Cause::usage, now, 0, how_since_is_written);
    xcap::Rooms::Query query;
    if (!since.empty()) query.emplace_back("since", since);
    if (command.has("limit")) query.emplace_back("limit", std::to_string(command.number("limit", 0)));
    return rooms_.history(
        room, std::move(query),
        [this, command](int status, const std::string& reason, const documents::MessageArchive& page,
                        Now at) { show_history(command, status, reason, page, at); });
  }
  const auto done = [this, command](int status, const std::string& reason, Now at) {
    result_of_status(command, status, reason, at);
  };
  if (what == "topic") {
    auto query = room_wishes(command);
    if (query.empty()) return result(command, control::Cause::usage, now, 0, "the topic is missing");
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

void Agent::do_media(const control::Command& command, Now now) {
  sessions_.choose_files({command.text("play"), command.text("record")});
  result(command, control::Cause::done, now);
}

void Agent::do_call(const control::Command& command, Now now) {
  const std::string to = command.text("to");
  const auto* const presence = subscriptions_.document_of(to);
  if (presence == nullptr)
    return result(command, control::Cause::no_direct, now, 0,
                  "no active subscription to the callee's presence");
  const auto call = sessions_.dial(to, *presence, {command.text("play"), command.text("record")}, now);
  if (!call) return result(command, cause_of_dial(call.error()), now, 0, call.error().message());
  result(command, control::Cause::done, now, 0, {}, {{"call", std::to_string(*call)}});
}

void Agent::result_of_search(const control::Command& command, bool found, Now now) {
  result(command, found ? control::Cause::done : control::Cause::not_found, now);
}

void Agent::do_answer(const control::Command& command, Now now) {
  result_of_search(command, book_.answer(command.text("call"), now), now);
}

void Agent::do_reject(const control::Command& command, Now now) {
  result_of_search(command, book_.reject(command.text("call"), now), now);
}

void Agent::do_hangup(const control::Command& command, Now now) {
  result_of_search(command, book_.hang_up(command.text("call"), now), now);
}

void Agent::do_statistics(const control::Command& command, Now now) {
  result_of_search(command, book_.report_statistics(command.text("call"), now), now);
}

void Agent::do_accept_key(const control::Command& command, Now now) {
  result_of_search(command, sessions_.accept_key(command.text("of"), command.text("ident"), now), now);
}

void Agent::do_safety_number(const control::Command& command, Now now) {
  const std::string of = command.text("of");
  const auto* ident = edges_.pins.ident_of(of);
  if (ident == nullptr)
    return result(command, control::Cause::not_found, now, 0, "no identity of this user is known");
  result(command, control::Cause::done, now, 0, {},
         {{"safety_number", ds1::safety_number(config_.account.aor, keyring_.ident.pub, of, *ident)}});
}

void Agent::do_snapshot(const control::Command& command, Now now) {
  boost::json::object event = control::make_event("snapshot", now);
  event["registration"] = account::to_string(registration_.state());
  event["publication"] = publication_.state_word();
  event["subscriptions"] = subscriptions_.subscriptions_json();
  event["presence"] = subscriptions_.presence_json();
  event["watchers"] = subscriptions_.watchers().watchers_json();
  event["permits"] = subscriptions_.watchers().permits_json();
  event["calls"] = book_.json();
  emit_(std::move(event));
  result(command, control::Cause::done, now);
}

/// Sessions end first, then subscriptions and the publication (watchers see this device closed), then the
/// registration.
void Agent::do_quit(const control::Command& command, Now now) {
  book_.hang_up_all(now);
  subscriptions_.unsubscribe_all(now);
  sessions_.withdraw();
  publication_.remove(
      [this, command](int, Now at) {
        if (registration_.state() != account::Registration::State::registered) {
          finished_ = true;
          return result(command, control::Cause::done, at);
        }
        registration_.stop(
            [this, command](int status, Now later) {
              finished_ = true;
              result_of_status(command, status, "", later);
            },
            at);
      },
      now);
}

}  // namespace beckon::client
