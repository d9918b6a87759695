#include "client/agent/agent.hpp"

#include <boost/json/array.hpp>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/check.hpp"

namespace beckon::client {

using sip::HeaderId;

namespace {

constexpr std::string_view presence_package = "presence";
constexpr std::string_view winfo_package = "presence.winfo";

std::string_view accept_of(std::string_view package) {
  return package == winfo_package ? documents::winfo_type : documents::pidf_type;
}

/// A file that cannot be read is the user's fault, the rest the session's.
control::Cause cause_of_dial(const ErrorCode& error) {
  const ErrorCode of_session = beckon::direct::Errc::no_permission;
  const ErrorCode of_sound = stream::Errc::no_codec;
  const bool about_session =
      error.category() == of_session.category() || error.category() == of_sound.category();
  return about_session ? control::Cause::no_direct : control::Cause::usage;
}

}  // namespace

Agent::Agent(Config config, direct::Keyring keyring, Edges edges, control::OnEvent emit)
    : config_(std::move(config)),
      edges_(std::move(edges)),
      keyring_(std::move(keyring)),
      emit_(std::move(emit)),
      connection_{config_.servers.front(), 0, 0, config_.servers},
      tracer_(edges_.transport, edges_.clock, emit_, config_.tracing),
      layer_({.times = config_.times}, tracer_, edges_.timers, edges_.clock, edges_.random, *this),
      requester_(config_.account, layer_, edges_.random),
      context_{config_.account, connection_,  edges_.transport, layer_, requester_,
               edges_.timers,   edges_.clock, edges_.random,    emit_,  config_.keep_alive},
      registration_(context_, [this](Now now) { on_registered(now); }, edges_.on_all_servers_failed,
                    {.ping_stream = edges_.ping_stream,
                     .on_failed = [this](std::string_view why, Now now) { on_datagrams_failed(why, now); }}),
      pager_(context_),
      rules_(config_.account, config_.xcap_root, edges_.http, edges_.random),
      drop_timer_(edges_.timers),
      calls_(context_, keyring_, edges_.pins, edges_.port, edges_.on_pins_changed),
      publication_(context_, [this](bool renew, Now now) {
        return calls_.offer(publication_.shown().direct, renew, now);
      }) {
  calls_.on_new_epoch_due([this](Now now) { publication_.update(now); });
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
  adopt(from.flow);
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

/// The connection of the newest message is the one requests go down.
void Agent::adopt(transaction::FlowId flow) {
  if (flow == 0 || flow == connection_.flow) return;
  connection_.was_lost |= connection_.flow != 0;
  connection_.flow = flow;
  update_reachability();
}

void Agent::update_reachability() {
  const auto winfo = subscriptions_.find({config_.account.aor, std::string(winfo_package)});
  calls_.set_reachable(connection_.flow != 0 && winfo != subscriptions_.end() && winfo->second->is_active());
}

void Agent::on_flow_opened(const transaction::Hop& flow, Now now) {
  adopt(flow.flow);
  tell_connection("up", {}, now);
}

void Agent::tell_connection(std::string_view state, std::string_view reason, Now now) {
  boost::json::object event = control::make_event("connection", now);
  event["state"] = state;
  if (!reason.empty()) event["reason"] = reason;
  emit_(std::move(event));
}

void Agent::on_flow_closed(transaction::FlowId flow, Now now) {
  const bool ours = flow == connection_.flow;
  if (ours) {
    connection_.flow = 0;
    connection_.direct = 0;
    connection_.was_lost = true;
  }
  layer_.on_flow_closed(flow, now);
  if (!ours) return;
  tell_connection("down", {}, now);
  update_reachability();
  if (!finished_) registration_.on_connection_lost(now);
}

void Agent::on_datagrams_failed(std::string_view why, Now now) {
  connection_.was_lost = true;
  tell_connection("down", why, now);
  if (!finished_) registration_.on_connection_lost(now);
}

/// A new connection, or another server: what is pushed down it, and what is kept there, must be asked for
/// anew.
void Agent::on_registered(Now now) {
  if (!std::exchange(connection_.was_lost, false)) return publication_.on_offer(now);
  if (connection_.server.protocol == transaction::Protocol::udp) tell_connection("up", {}, now);
  for (auto& [key, subscription] : subscriptions_) subscription->refresh(now);
  publication_.update(now);
}

bool Agent::is_server(const transaction::Hop& from) const {
  return from.flow != 0 ? from.flow == connection_.flow : from.remote == connection_.server.remote;
}

void Agent::on_request(transaction::TransactionId id, const transaction::Hop& from,
                       const sip::Message& request, Now now) {
  const int status = handle(from, request, now);
  sip::Builder reply = sip::Builder::reply(request, status, edges_.random.token(6));
  if (status == 405 || request.method() == sip::Method::options)
    reply.add(HeaderId::allow, "MESSAGE, NOTIFY, OPTIONS");
  if (status == 415) reply.add(HeaderId::accept, "text/plain");
  if (status == 420) reply.add(HeaderId::unsupported, request.header(HeaderId::require));
  reply.add(HeaderId::server, "beckon/" BECKON_VERSION);
  layer_.respond(id, std::move(reply).finish(), now);
}

/// Says what to answer.
int Agent::handle(const transaction::Hop& from, const sip::Message& request, Now now) {
  if (request.has(HeaderId::require)) return 420;  // we know no extension a server could insist on
  switch (request.method()) {
    case sip::Method::notify:
      return answer_notify(request, now);
    case sip::Method::message:
      return pager_.on_message(request, is_server(from), now);
    case sip::Method::options:
      return 200;
    default:
      return 405;
  }
}

int Agent::answer_notify(const sip::Message& notify, Now now) {
  for (auto& [key, subscription] : subscriptions_) {
    if (subscription->matches(notify)) return subscription->on_notify(notify, now);
  }
  return 481;
}

void Agent::on_subscription_changed(const Key& key, Now now) {
  update_reachability();
  const auto found = subscriptions_.find(key);
  if (found == subscriptions_.end() || found->second->state() != event::Subscriber::State::ended) return;
  // What an ended subscription showed is no longer true: its user is shown closed, his grants are dead.
  if (key.second == presence_package && presences_.erase(key.first) > 0) {
    boost::json::object event = control::make_event("presence", now);
    for (auto& member : presence::make_closed_view(key.first)) event.insert(member);
    emit_(std::move(event));
  }
  drop_timer_.set(now.mono, [this](Time) { drop_ended(); });
}

void Agent::drop_ended() {
  replaced_.clear();
  std::erase_if(subscriptions_,
                [](const auto& entry) { return entry.second->state() == event::Subscriber::State::ended; });
}

void Agent::on_presence(const std::string& of, const sip::Message& notify, Now now) {
  auto document = documents::parse_pidf(notify.body());
  if (!document) {
    return warn("the presence of " + of + " cannot be read: " + document.error().message(), now);
  }
  learn_identities(of, *document, now);
  boost::json::object event = control::make_event("presence", now);
  for (auto& member : presence::make_view(of, *document, is_verified())) event.insert(member);
  presences_[of] = std::move(*document);
  emit_(std::move(event));
}

void Agent::learn_identities(const std::string& of, const documents::Presence& document, Now now) {
  for (const auto& tuple : document.tuples) {
    const auto direct = documents::find_direct(tuple);
    if (direct && direct->ident) calls_.learn(of, direct->key, *direct->ident, now);
  }
}

presence::IsVerified Agent::is_verified() const {
  return
      [this](const std::string& aor, const crypto::Key32& key) { return edges_.pins.is_verified(aor, key); };
}

void Agent::on_winfo(const sip::Message& notify, Now now) {
  const auto info = documents::parse_winfo(notify.body());
  if (!info) {
    return warn("who watches cannot be read: " + info.error().message(), now);
  }
  const auto taken = watchers_.take(*info);
  const auto own = subscriptions_.find({config_.account.aor, std::string(winfo_package)});
  if (taken == presence::Watchers::Taken::gap && own != subscriptions_.end()) own->second->refresh(now);
  if (taken != presence::Watchers::Taken::yes) return;
  for (const auto& permit : info->permits) calls_.permit(permit.aor, permit.mode, now);
  boost::json::object event = control::make_event("watchers", now);
  event["version"] = info->version;
  event["document"] = info->state == documents::WatcherInfo::State::full ? "full" : "partial";
  event["watchers"] = watchers_.watchers_json();
  event["permits"] = watchers_.permits_json();
  emit_(std::move(event));
}

void Agent::warn(const std::string& text, Now now) {
  boost::json::object event = control::make_event("warning", now);
  event["text"] = text;
  emit_(std::move(event));
}

// --- commands

void Agent::refuse(const control::Rejected& rejected, Now now) {
  control::Command command;
  command.id = rejected.id;
  result(command, control::Cause::usage, now, 0, rejected.error.message() + ": " + rejected.detail);
}

void Agent::result(const control::Command& command, control::Cause cause, Now now, int status,
                   std::string_view reason, boost::json::object more) {
  boost::json::object event = control::make_event("result", now);
  if (!command.id.empty()) event["id"] = command.id;
  event["command"] = command.name;
  event["ok"] = cause == control::Cause::done;
  event["cause"] = control::to_string(cause);
  if (status > 0) event["status"] = status;
  if (!reason.empty()) event["reason"] = reason;
  for (auto& member : more) event.insert(member);
  emit_(std::move(event));
}

void Agent::result_of_status(const control::Command& command, int status, std::string_view reason, Now now) {
  const control::Cause cause = control::cause_of(status);
  if (cause == control::Cause::done) return result(command, cause, now, status);
  std::string words(reason);
  if (words.empty()) words = status > 0 ? sip::default_reason(status) : control::reason_of(status);
  if (cause == control::Cause::credentials) words = "the server refuses this name or password";
  result(command, cause, now, status, words);
}

Agent::Handler Agent::handler_of(std::string_view command) {
  static const std::map<std::string_view, Handler> handlers{
      {"register", &Agent::do_register},     {"unregister", &Agent::do_unregister},
      {"publish", &Agent::do_publish},       {"unpublish", &Agent::do_unpublish},
      {"subscribe", &Agent::do_subscribe},   {"unsubscribe", &Agent::do_unsubscribe},
      {"allow", &Agent::do_allow},           {"block", &Agent::do_block},
      {"forget", &Agent::do_forget},         {"message", &Agent::do_message},
      {"media", &Agent::do_media},           {"call", &Agent::do_call},
      {"answer", &Agent::do_answer},         {"reject", &Agent::do_reject},
      {"hangup", &Agent::do_hangup},         {"statistics", &Agent::do_statistics},
      {"accept-key", &Agent::do_accept_key}, {"safety-number", &Agent::do_safety_number},
      {"snapshot", &Agent::do_snapshot},     {"quit", &Agent::do_quit},
  };
  const auto found = handlers.find(command);
  return found == handlers.end() ? nullptr : found->second;
}

void Agent::execute(const control::Command& command, Now now) {
  const Handler handler = handler_of(command.name);
  if (handler == nullptr) return result(command, control::Cause::usage, now, 0, "unknown command");
  (this->*handler)(command, now);
}

void Agent::do_register(const control::Command& command, Now now) {
  constexpr std::int64_t standard_seconds = 3600;
  const auto expires = static_cast<std::uint32_t>(command.number("expires", standard_seconds));
  registration_.start(
      expires, [this, command](int status, Now at) { result_of_status(command, status, "", at); }, now);
}

void Agent::do_unregister(const control::Command& command, Now now) {
  registration_.stop([this, command](int status, Now at) { result_of_status(command, status, "", at); }, now);
}

void Agent::do_publish(const control::Command& command, Now now) {
  const presence::Shown shown{.open = command.text("basic") == "open",
                              .note = command.text("note"),
                              .activity = command.text("activity"),
                              .direct = ds1::parse_mode(command.text("direct", "off"))};
  if (!shown.open || shown.direct == ds1::Mode::off) calls_.withdraw();
  publication_.publish(
      shown, [this, command](int status, Now at) { result_of_status(command, status, "", at); }, now);
}

void Agent::do_unpublish(const control::Command& command, Now now) {
  calls_.withdraw();
  publication_.remove([this, command](int status, Now at) { result_of_status(command, status, "", at); },
                      now);
}

void Agent::do_subscribe(const control::Command& command, Now now) {
  const std::string to = command.text("to");
  const std::string package = command.text("package", presence_package);
  constexpr std::int64_t standard_seconds = 3600;
  const auto expires = static_cast<std::uint32_t>(command.number("expires", standard_seconds));
  if (package == winfo_package && to != config_.account.aor)
    return result(command, control::Cause::usage, now, 0, "only who watches you can be asked for");
  const Key key{to, package};
  auto& subscription = subscriptions_[key];
  if (subscription && subscription->state() != event::Subscriber::State::ended)
    return result(command, control::Cause::usage, now, 0, "already subscribed");
  if (subscription) replaced_.push_back(std::move(subscription));
  subscription = std::make_unique<presence::Subscription>(
      context_, to, package, std::string(accept_of(package)), expires,
      [this, to, package](const sip::Message& notify, Now at) {
        package == winfo_package ? on_winfo(notify, at) : on_presence(to, notify, at);
      },
      [this, key](Now at) { on_subscription_changed(key, at); });
  subscription->start([this, command](int status, Now at) { result_of_status(command, status, "", at); },
                      now);
}

void Agent::do_unsubscribe(const control::Command& command, Now now) {
  const auto found = subscriptions_.find({command.text("to"), command.text("package", presence_package)});
  if (found == subscriptions_.end() || found->second->state() == event::Subscriber::State::ended)
    return result(command, control::Cause::not_found, now, 0, "not subscribed");
  found->second->stop([this, command](int status, Now at) { result_of_status(command, status, "", at); },
                      now);
}

void Agent::set_rule(const control::Command& command, std::optional<documents::Verdict> verdict, Now now) {
  // A block rules here from now on, whether or not the server hears of it soon (DIRECT_SESSIONS 13).
  const std::string watcher = command.text("watcher");
  calls_.set_blocked(watcher, verdict && verdict->handling == documents::SubHandling::block, now);
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
  pager_.send(
      command.text("to"), command.text("text"),
      [this, command](int status, std::string_view reason, Now at) {
        result_of_status(command, status, reason, at);
      },
      now);
}

void Agent::do_media(const control::Command& command, Now now) {
  calls_.choose_files({command.text("play"), command.text("record")});
  result(command, control::Cause::done, now);
}

void Agent::do_call(const control::Command& command, Now now) {
  const std::string to = command.text("to");
  const auto subscription = subscriptions_.find({to, std::string(presence_package)});
  const auto presence = presences_.find(to);
  if (subscription == subscriptions_.end() || !subscription->second->is_active() ||
      presence == presences_.end()) {
    return result(command, control::Cause::no_direct, now, 0, "no active subscription to his presence");
  }
  const auto call = calls_.dial(to, presence->second, {command.text("play"), command.text("record")}, now);
  if (!call) return result(command, cause_of_dial(call.error()), now, 0, call.error().message());
  result(command, control::Cause::done, now, 0, {}, {{"call", *call}});
}

void Agent::do_answer(const control::Command& command, Now now) {
  const bool known = calls_.answer(command.text("call"), now);
  result(command, known ? control::Cause::done : control::Cause::not_found, now);
}

void Agent::do_reject(const control::Command& command, Now now) {
  const bool known = calls_.reject(command.text("call"), now);
  result(command, known ? control::Cause::done : control::Cause::not_found, now);
}

void Agent::do_hangup(const control::Command& command, Now now) {
  const bool known = calls_.hang_up(command.text("call"), now);
  result(command, known ? control::Cause::done : control::Cause::not_found, now);
}

void Agent::do_statistics(const control::Command& command, Now now) {
  const bool known = calls_.tell_statistics(command.text("call"), now);
  result(command, known ? control::Cause::done : control::Cause::not_found, now);
}

void Agent::do_accept_key(const control::Command& command, Now now) {
  const bool changed = calls_.accept_key(command.text("of"), now);
  result(command, changed ? control::Cause::done : control::Cause::not_found, now);
}

void Agent::do_safety_number(const control::Command& command, Now now) {
  const std::string of = command.text("of");
  const auto* ident = edges_.pins.ident_of(of);
  if (ident == nullptr)
    return result(command, control::Cause::not_found, now, 0, "no identity of his is known");
  result(command, control::Cause::done, now, 0, {},
         {{"safety_number", ds1::safety_number(config_.account.aor, keyring_.ident.pub, of, *ident)}});
}

boost::json::array Agent::subscriptions_json() const {
  boost::json::array out;
  for (const auto& [key, subscription] : subscriptions_) {
    out.push_back(boost::json::object{
        {"to", key.first}, {"package", key.second}, {"state", subscription->state_word()}});
  }
  return out;
}

boost::json::array Agent::presence_json() const {
  boost::json::array out;
  for (const auto& [of, document] : presences_)
    out.push_back(presence::make_view(of, document, is_verified()));
  return out;
}

void Agent::do_snapshot(const control::Command& command, Now now) {
  boost::json::object event = control::make_event("snapshot", now);
  event["registration"] = account::to_string(registration_.state());
  event["publication"] = publication_.state_word();
  event["subscriptions"] = subscriptions_json();
  event["presence"] = presence_json();
  event["watchers"] = watchers_.watchers_json();
  event["permits"] = watchers_.permits_json();
  event["calls"] = calls_.json();
  emit_(std::move(event));
  result(command, control::Cause::done, now);
}

/// Sessions end first, then what we watch and show (watchers see us closed), then the registration.
void Agent::do_quit(const control::Command& command, Now now) {
  calls_.hang_up_all(now);
  for (auto& [key, subscription] : subscriptions_) subscription->stop({}, now);
  calls_.withdraw();
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
