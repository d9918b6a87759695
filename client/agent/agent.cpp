#include "client/agent/agent.hpp"

#include <fmt/format.h>

#include "protocol/base/log.hpp"
#include "protocol/sip/check.hpp"

namespace beckon::client {

Agent::Agent(Config config, direct::Keyring keyring, Edges edges, control::OnEvent emit)
    : config_(std::move(config)),
      edges_(std::move(edges)),
      keyring_(std::move(keyring)),
      waits_(edges_.timers, edges_.clock),
      emit_([this, out = std::move(emit)](boost::json::object event) {
        if (waits_.is_empty() && talks_.empty()) return out(std::move(event));
        out(event);
        follow_talk(event, edges_.clock.now());
        waits_.on_event(event, edges_.clock.now());
      }),
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
      preview_(config_.account, config_.xcap_root, edges_.http, edges_.random),
      watch_log_(config_.account, config_.xcap_root, edges_.http, edges_.random),
      inbox_(config_.account, edges_.http, edges_.random),
      rooms_(config_.account, config_.xcap_root, edges_.http, edges_.random),
      contacts_(config_.account, {.origin = config_.xcap_origin, .root = config_.xcap_root}, edges_.http,
                edges_.random),
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
          std::move(config_.published)),
      sleep_watch_(edges_.timers, edges_.clock, [this](Duration asleep, Now now) { on_awake(asleep, now); }) {
  sessions_.on_new_epoch_due([this](Now now) { publication_.update(now); });
  dispatcher_.add(pager_);
  dispatcher_.add(subscriptions_);
  if (edges_.call_ports == nullptr) return;
  invites_.emplace(context_, book_, *edges_.call_ports, config_.invite);
  dispatcher_.add(*invites_);
  invites_->set_origin([this](const std::string& from, std::string_view claims, Now now) {
    const auto origin = sessions_.origin_of(from, claims, now);
    return invite::Origin{origin.leg, origin.is_elsewhere};
  });
}

Agent::~Agent() = default;

void Agent::start(Now now) {
  boost::json::object event = control::make_event("ready", now);
  event["version"] = BECKON_VERSION;
  event["contract"] = 1;
  event["account"] = config_.account.aor;
  event["server"] = config_.server_text;
  emit_(std::move(event));
  sleep_watch_.start(now);
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
  if (edges_.on_all_servers_failed) edges_.on_all_servers_failed();
  if (!finished_) registration_.on_connection_lost(now);
}

/// A connection over which nothing went for so long may be dead at the server or in a NAT without a sign of
/// it here. A new one shows at once whether the server is there.
void Agent::on_awake(Duration asleep, Now now) {
  if (finished_ || registration_.state() == account::Registration::State::unregistered) return;
  const auto flow = std::exchange(connection_.flow, 0);
  connection_.direct = 0;
  connection_.was_lost = true;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(asleep).count();
  report_connection("down", fmt::format("this machine slept for {} s", seconds), now);
  update_reachability();
  if (flow != 0 && edges_.close_flow) edges_.close_flow(flow);
  if (edges_.on_all_servers_failed) edges_.on_all_servers_failed();
  registration_.on_connection_lost(now);
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
  if (cause == control::Cause::credentials) words = control::refused_credentials(/*accepted_before=*/false);
  result(command, cause, now, status, words, std::move(more));
}

std::function<void(int status, Now now)> Agent::ends(const control::Command& command) {
  return [this, command](int status, Now now) { result_of_status(command, status, "", now); };
}

std::function<void(int status, const std::string& reason, Now now)> Agent::ends_with_reason(
    const control::Command& command) {
  return [this, command](int status, const std::string& reason, Now now) {
    result_of_status(command, status, reason, now);
  };
}

void Agent::do_register(const control::Command& command, Now now) {
  constexpr std::int64_t standard_seconds = 3600;
  const auto expires = static_cast<std::uint32_t>(command.number("expires", standard_seconds));
  registration_.start(expires, ends(command), now);
}

void Agent::do_unregister(const control::Command& command, Now now) {
  registration_.stop(ends(command), now);
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
