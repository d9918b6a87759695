#include "server/daemon/daemon.hpp"

#include <csignal>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "protocol/base/log.hpp"
#include "protocol/net/source_address.hpp"
#include "protocol/net/stun_listener.hpp"
#include "server/admin/data_folder.hpp"
#include "server/daemon/file_limit.hpp"
#include "server/daemon/gather.hpp"
#include "server/daemon/names.hpp"
#include "server/daemon/operator_ports.hpp"
#include "server/daemon/sip_ports.hpp"
#include "server/daemon/stores.hpp"
#include "server/http/server.hpp"
#include "server/server.hpp"
#include "server/web.hpp"

namespace beckon::server {
namespace {

/// The program around the pure core: the order in which its parts start, threads, signals and the ready line.
/// Members are destroyed in reverse order: core first, loops and databases last.
class Daemon {
 public:
  explicit Daemon(const Config& config) : config_(config) {}

  Exit run() {
    log::set_level(config_.log);
    raise_file_limit(config_);
    for (unsigned i = 0; i < config_.shards; ++i) seats_.push_back(std::make_unique<Seat>(i, config_));
    if (const auto failure = start()) {
      std::cerr << "beckond: " << failure->what << '\n';
      return failure->exit;
    }
    loop(0).on_signal({SIGTERM, SIGINT, SIGHUP}, [this](int signal) { on_signal(signal); });
    announce();
    run_loops();
    stores_.finish();
    log::info("server", "ended");
    return Exit::done;
  }

 private:
  using Outcome = std::optional<Failure>;
  using Gone = store::SqliteUsers::Gone;
  /// Longer than a shard looks for what requests of a user leave that were under way.
  static constexpr Duration ending_pause = 40s;

  net::Loop& loop(unsigned number) { return seats_[number]->loop; }

  Outcome start() {
    if (auto failure = stores_.open(config_, seats_)) return failure;
    if (auto failure = certificates_.open(config_, certificate_names(config_, domains()))) return failure;
    if (auto failure = open_sip_ports(config_, certificates_, seats_, node_, bound_)) return failure;
    if (auto failure = build_node()) return failure;
    return open_services();
  }

  std::vector<std::string> domains() { return served_domains(config_, stores_.user_domains()); }

  Settings settings() { return make_settings(config_, domains(), bound_, net::own_addresses); }

  Outcome build_node() {
    std::vector<Node::Seat> places;
    for (const auto& seat : seats_) {
      seat->dns = std::make_unique<net::DnsClient>(seat->loop,
                                                   net::DnsClient::Options{.servers = config_.dns_servers});
      seat->locator = std::make_unique<locate::Finder>(*seat->dns, make_abilities(bound_),
                                                       seat->loop.timers(), seat->loop.clock(), seat->random);
      places.push_back({{*seat->tap, seat->loop.timers(), seat->loop.clock(), seat->random, *seat->state,
                         *seat->users, seat->bus, *seat->locator},
                        [&own = seat->loop](std::function<void()> work) { own.post(std::move(work)); }});
    }
    node_ = std::make_unique<Node>(settings(), seats_.front()->random, places);
    ending_look_.emplace(loop(0).timers());
    add_rooms(*node_);
    if (auto failure = stores_.load(config_, *node_)) return failure;
    node_->restored();
    end_gone_users();
    admin::save_domains(config_.data,
                        config_.domains.empty() ? std::vector<std::string>{"localhost"} : config_.domains);
    return std::nullopt;
  }

  Outcome open_services() {
    constexpr std::string_view software = "beckond/" BECKON_VERSION;
    const http::HttpLimits limits{.connections_per_address = config_.connections.per_address,
                                  .handshake = config_.connections.handshake,
                                  .request = config_.connections.message};
    operator_ = std::make_unique<OperatorPorts>(
        seats_, *node_, [this] { on_users_changed(); }, [this] { return stores_.backlog(); });
    xcap_server_ = std::make_unique<http::HttpServer>(
        loop(0), std::string(software),
        [&web = node_->shard(0).room<Web>()](http::HttpRequest request, http::Respond respond) {
          web.handle(std::move(request), std::move(respond));
        },
        limits);
    admin_server_ = std::make_unique<http::HttpServer>(
        loop(0), std::string(software),
        [this](const http::HttpRequest& request, const http::Respond& respond) {
          operator_->answer(request, respond);
        },
        limits);
    stun_ = std::make_unique<net::StunListener>(loop(0), answer_stun);
    for (const Listener& listener : config_.listening()) {
      if (listener.protocol()) continue;
      const auto address = listen(listener);
      if (!address) return cannot_listen(listener, address.error());
      bound_.push_back({listener.kind, *address});
    }
    admin::save_reach(config_.data, make_reach(config_, bound_, certificates_.file(), net::own_addresses));
    return operator_->open(config_.data);
  }

  Result<Address> listen(const Listener& listener) {
    if (listener.kind == Listener::Kind::https)
      return xcap_server_->listen(listener.address, certificates_.web());
    if (listener.kind == Listener::Kind::admin) return admin_server_->listen(listener.address, nullptr);
    return stun_->listen(listener.address);
  }

  // While running

  void announce() {
    std::string addresses;
    for (const Listener& listener : bound_) addresses += ' ' + print(listener);
    const std::vector<std::string>& served = node_->shard(0).settings().domains;
    std::cerr << "beckond " BECKON_VERSION " serves";
    for (const std::string& domain : served) std::cerr << ' ' << domain;
    std::cerr << "; data in " << config_.data.string() << '\n'
              << "beckond: listening on" << addresses << '\n'
              << "beckond: invite a user with: beckond user invite alice@" << served.front() << " --data "
              << config_.data.string() << '\n';
    loop(0).post([addresses] { std::cout << "ready" << addresses << std::endl; });
  }

  void run_loops() {
    std::vector<std::jthread> threads;
    for (unsigned i = 1; i < seats_.size(); ++i) threads.emplace_back([this, i] { loop(i).run(); });
    loop(0).run();
    for (unsigned i = 1; i < seats_.size(); ++i) loop(i).stop();
  }

  void on_signal(int signal) {
    if (signal == SIGHUP) return reload();
    loop(0).stop();
  }

  void reload() {
    Config fresh;
    const auto problem = server::reload(config_, fresh);
    const auto keys = problem ? std::vector<std::string>() : waiting(config_, fresh);
    if (!problem) config_ = reloaded(config_, fresh);
    const std::string believed = certificates_.authorities();
    const bool whole = certificates_.reload(config_);
    if (certificates_.authorities() != believed) close_proven();
    if (problem) return log::error("server", "{}", *problem);
    log::set_level(config_.log);
    if (!keys.empty())
      log::warn("server", "changed keys that take effect at the next start: {}", fmt::join(keys, ", "));
    apply_settings();
    log::info("server", "configuration {}read again", whole ? "and certificates " : "");
  }

  /// Peers prove themselves anew to whom is believed now.
  void close_proven() {
    for (const auto& seat : seats_)
      seat->loop.post([&transport = *seat->transport] { transport.close_verified(); });
  }

  void on_users_changed() {
    apply_settings();
    std::vector<Gone> back;
    for (const auto& [aor, removed] : ending_)
      if (stores_.may_come_in(aor)) back.push_back({aor, removed});
    forget_gone(back);
    end_gone_users();
  }

  /// What a user who may not come in any more has left in the shards ends, whether the administrator took the
  /// access away while the server ran or before it started. The users file notes who is gone until the shards
  /// have stored the end: a server that is killed before begins anew.
  void end_gone_users() {
    auto gone = stores_.gone_users();
    std::erase_if(gone, [this](const Gone& each) {
      const auto known = ending_.find(each.aor);
      return known != ending_.end() && known->second == each.removed;
    });
    if (gone.empty()) return;
    for (const auto& [aor, removed] : gone) {
      log::info("server", "{} was {}", aor, removed ? "removed" : "disabled");
      ending_[aor] = removed;
    }
    node_->each([gone](Shard& shard) {
      for (const auto& [aor, removed] : gone) shard.on_user_gone(aor, removed);
    });
    if (!ending_look_->is_set()) look_for_ended_later();
  }

  void look_for_ended_later() {
    ending_look_->set(loop(0).clock().now().mono + ending_pause, [this](Time) { look_for_ended(); });
  }

  void look_for_ended() {
    std::vector<Gone> asked;
    for (const auto& [aor, removed] : ending_) asked.push_back({aor, removed});
    gather<std::vector<std::string>>(
        *node_, loop(0),
        [asked](Shard& shard) {
          std::vector<std::string> unfinished;
          for (const Gone& each : asked)
            if (!shard.has_ended(each.aor)) unfinished.push_back(each.aor);
          return unfinished;
        },
        [this, asked](const std::vector<std::vector<std::string>>& parts) {
          std::unordered_set<std::string> unfinished;
          for (const auto& part : parts) unfinished.insert(part.begin(), part.end());
          std::vector<Gone> ended = asked;
          std::erase_if(ended, [&](const Gone& each) { return unfinished.contains(each.aor); });
          forget_gone(ended);
          if (!ending_.empty()) look_for_ended_later();
        });
  }

  void forget_gone(const std::vector<Gone>& over) {
    if (over.empty()) return;
    for (const auto& [aor, removed] : over)
      if (const auto known = ending_.find(aor); known != ending_.end() && known->second == removed)
        ending_.erase(known);
    stores_.forget_gone(over);
  }

  void apply_settings() {
    node_->each([now = settings()](Shard& shard) { shard.set_settings(now); });
  }

  Config config_;
  std::vector<Listener> bound_;
  Certificates certificates_;
  StoreFiles stores_;
  Seats seats_;
  std::unique_ptr<Node> node_;
  std::unordered_map<std::string, bool> ending_;  ///< Noted in the users file, and the shards know: removed?
  std::optional<Timer> ending_look_;
  std::unique_ptr<OperatorPorts> operator_;
  std::unique_ptr<http::HttpServer> xcap_server_;
  std::unique_ptr<http::HttpServer> admin_server_;
  std::unique_ptr<net::StunListener> stun_;
};

}  // namespace

Exit serve(const Config& config) { return Daemon(config).run(); }

}  // namespace beckon::server
