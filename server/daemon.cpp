#include "server/daemon.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <memory>
#include <thread>
#include <vector>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/locate/finder.hpp"
#include "protocol/net/dns_client.hpp"
#include "protocol/net/sip_transport.hpp"
#include "protocol/net/source_address.hpp"
#include "protocol/net/stun_listener.hpp"
#include "protocol/stun/message.hpp"
#include "protocol/trace/tap.hpp"
#include "server/admin/metrics.hpp"
#include "server/admin/socket.hpp"
#include "server/admin/tables.hpp"
#include "server/admin/trace.hpp"
#include "server/admin/users.hpp"
#include "server/http/server.hpp"
#include "server/registrar/registrar.hpp"
#include "server/server.hpp"
#include "server/store/memory.hpp"
#include "server/store/sqlite.hpp"
#include "server/web.hpp"

namespace beckon::server {

namespace {

constexpr std::string_view software = "beckond/" BECKON_VERSION;

/// What the transport of one loop hears goes to the shard of that loop.
class Ear final : public net::Receiver {
 public:
  Ear(const std::unique_ptr<Node>& node, unsigned number, trace::Recorder& recorder)
      : node_(node), number_(number), recorder_(recorder) {}
  void on_message(const transaction::Hop& from, sip::Message message) override {
    recorder_.received(from, message);
    node_->shard(number_).on_message(from, std::move(message));
  }
  void on_malformed(const transaction::Hop& from, ErrorCode error, std::string_view text) override {
    recorder_.malformed(from, error, text);
    node_->shard(number_).on_malformed(from, error, text);
  }
  void on_peer_verified(const transaction::Hop& flow, const std::vector<std::string>& names) override {
    node_->on_peer_verified(flow.flow, names);
  }
  void on_flow_closed(transaction::FlowId flow) override { node_->on_flow_closed(flow); }

 private:
  const std::unique_ptr<Node>& node_;
  unsigned number_;
  trace::Recorder& recorder_;
};

store::Durability to_store(Durability durability) {
  switch (durability) {
    case Durability::memory:
      return store::Durability::memory;
    case Durability::process:
      return store::Durability::process;
    case Durability::power:
      return store::Durability::power;
  }
  return store::Durability::process;
}

/// The program around the pure core. Members die in the reverse order: core first, loops last.
class Daemon {
 public:
  explicit Daemon(const Config& config) : config_(config) {}

  Exit run() {
    log::set_level(config_.log);
    raise_file_limit();
    for (const auto& step : {&Daemon::open_store, &Daemon::open_certificates, &Daemon::open_sip,
                             &Daemon::build_node, &Daemon::open_services}) {
      if (const Exit exit = (this->*step)(); exit != Exit::done) return exit;
    }
    loop(0).on_signal({SIGTERM, SIGINT, SIGHUP}, [this](int signal) { on_signal(signal); });
    announce();
    run_loops();
    log::info("server", "ended");
    return Exit::done;
  }

 private:
  /// One thread: its loop, and what of the shell belongs to it.
  struct Seat {
    Seat(unsigned number, trace::Recorder::Limits limits)
        : loop(static_cast<std::uint8_t>(number)), recorder(loop.clock(), limits) {}
    net::Loop loop;
    trace::Recorder recorder;
    crypto::SystemRandom random;
    std::unique_ptr<store::StateStore> state;
    std::unique_ptr<store::DurableStore> users;
    store::LocalBus bus{loop.timers(), loop.clock()};
    std::unique_ptr<Ear> ear;
    std::unique_ptr<net::SipTransport> transport;
    std::unique_ptr<trace::Tap> tap;  ///< Before the transport.
    std::unique_ptr<net::DnsClient> dns;
    std::unique_ptr<locate::Finder> locator;
  };

  net::Loop& loop(unsigned number) { return seats_[number]->loop; }

  Exit fail(Exit code, const std::string& what) {
    std::cerr << "beckond: " << what << '\n';
    return code;
  }

  /// A connection is an open file, and the usual soft limit (1024) is far below what is let in.
  void raise_file_limit() const {
    rlim_t wanted = 2048;  // the store's, and the sockets of our own and those we dial
    for (const Listener& listener : config_.listening()) {
      const auto sip = listener.protocol();
      if (sip && sip != transaction::Protocol::udp) wanted += config_.connections.total;
      if (listener.kind == Listener::Kind::https || listener.kind == Listener::Kind::admin)
        wanted += http::HttpLimits{}.connections;
    }
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
    limit.rlim_cur = std::min(wanted, limit.rlim_max);
    if (::setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == wanted) return;
    log::warn("server", "the hard limit of open files is {}, too low for all connections that are let in: {}",
              limit.rlim_max, wanted);
  }

  Exit open_store() {
    std::error_code error;
    std::filesystem::create_directories(config_.data, error);
    if (!error) std::filesystem::permissions(config_.data, std::filesystem::perms::owner_all, error);
    if (error) return fail(Exit::store, config_.data.string() + ": " + error.message());
    for (unsigned i = 0; i < config_.shards; ++i) {
      trace::Recorder::Limits limits{.messages = config_.trace_messages, .octets = config_.trace_octets};
      seats_.push_back(std::make_unique<Seat>(i, limits));
    }
    if (config_.durability != Durability::memory) {
      auto opened =
          store::SqliteState::open(admin::state_file(config_.data), to_store(config_.durability), clock_);
      if (!opened)
        return fail(Exit::store, admin::state_file(config_.data).string() + ": " + opened.error().message());
      state_ = std::move(*opened);
    }
    auto users = store::SqliteUsers::open(admin::users_file(config_.data));
    if (!users)
      return fail(Exit::store, admin::users_file(config_.data).string() + ": " + users.error().message());
    users_ = std::move(*users);
    for (const auto& seat : seats_) {
      if (const Exit exit = open_store(*seat); exit != Exit::done) return exit;
    }
    return Exit::done;
  }

  Exit open_store(Seat& seat) {
    const auto executor = [&seat](std::function<void()> work) { seat.loop.post(std::move(work)); };
    const auto make_store = [&]() -> std::unique_ptr<store::StateStore> {
      if (state_) return state_->make_store(executor);
      return std::make_unique<store::NoStore>(seat.loop.timers(), seat.loop.clock());
    };
    seat.state = make_store();
    auto users = store::open_durable(admin::users_file(config_.data), executor, make_store());
    if (!users) return fail(Exit::store, users.error().message());
    seat.users = std::move(*users);
    return Exit::done;
  }

  Exit open_certificates() {
    if (std::ranges::none_of(config_.listening(), &Listener::needs_certificate)) return Exit::done;
    auto certificate = config_.tls_certificate;
    auto key = config_.tls_key;
    if (certificate.empty()) {
      certificate = config_.data / "cert.pem";
      key = config_.data / "key.pem";
      if (!std::filesystem::exists(certificate) || !std::filesystem::exists(key)) {
        if (const auto made = make_certificate(certificate, key); !made) {
          return fail(Exit::failed, certificate.string() + ": " + made.error().message());
        }
      }
    }
    auto context = net::TlsContext::server(certificate.string(), key.string());
    if (!context) return fail(Exit::usage, certificate.string() + ": " + context.error().message());
    tls_ = std::move(*context);
    tls_sip_ = tls_;
    const auto& clients = config_.tls_clients;
    if (clients.ca.empty()) return Exit::done;
    auto asking = net::TlsContext::server(certificate.string(), key.string(),
                                          {.ca_path = clients.ca.string(), .required = clients.required});
    if (!asking) return fail(Exit::usage, clients.ca.string() + ": " + asking.error().message());
    tls_sip_ = std::move(*asking);
    return Exit::done;
  }

  Result<void> make_certificate(const std::filesystem::path& certificate, const std::filesystem::path& key) {
    std::vector<std::string> names{"localhost"};
    std::vector<IpAddress> ips{*parse_ip("127.0.0.1"), *parse_ip("::1")};
    const auto add = [&](const std::string& name) {
      const auto ip = parse_ip(name);
      if (!ip && std::ranges::find(names, name) == names.end()) names.push_back(name);
      if (ip && std::ranges::find(ips, *ip) == ips.end()) ips.push_back(*ip);
    };
    for (const std::string& domain : served_domains()) add(domain);
    if (!config_.advertise.empty()) add(config_.advertise);
    for (const Listener& listener : config_.listening()) {
      if (!listener.address.ip.is_unspecified()) add(beckon::print(listener.address.ip));
    }
    std::cerr << "beckond: made a self-signed certificate, " << certificate.string() << '\n';
    return net::make_self_signed(certificate.string(), key.string(), names, ips);
  }

  /// Named domains and those of the users; where none is named, also the machine's own names.
  std::vector<std::string> served_domains() {
    std::vector<std::string> domains = config_.domains;
    const auto add = [&](const std::string& domain) {
      if (std::ranges::find(domains, domain) == domains.end()) domains.push_back(domain);
    };
    const auto of_users = users_->domains();
    if (!of_users) log::error("server", "domains of the users: {}", of_users.error().message());
    if (of_users) std::ranges::for_each(*of_users, add);
    if (config_.domains.empty()) {
      for (const char* own : {"localhost", "127.0.0.1", "::1"}) add(own);
    }
    return domains;
  }

  net::SipTransport::Options transport_options() const {
    const ConnectionLimits& bounds = config_.connections;
    net::SipTransport::Options options;
    options.advertise = config_.advertise;
    options.tls_server = tls_sip_;
    options.tls_web = tls_;
    options.limits = {.queue = std::size_t{1024} * bounds.queue_kib,
                      .idle = config_.settings.idle_connection,
                      .handshake = bounds.handshake};
    options.websocket = {.message = std::size_t{1024} * bounds.websocket_message_kib,
                         .handshake = bounds.handshake,
                         .ping = bounds.websocket_ping,
                         .origins = bounds.websocket_origins};
    options.connections = bounds.total;
    options.connections_per_address = bounds.per_address;
    return options;
  }

  Exit open_sip() {
    for (unsigned i = 0; i < seats_.size(); ++i) {
      net::SipTransport::Options options = transport_options();
      if (auto trust = net::TlsContext::client()) options.tls_client = *trust;
      options.on_stun = answer_stun;
      options.trusted = [settings = config_.settings](const IpAddress& source) {
        return settings.trusts(source);
      };
      seats_[i]->ear = std::make_unique<Ear>(node_, i, seats_[i]->recorder);
      seats_[i]->transport =
          std::make_unique<net::SipTransport>(loop(i), std::move(options), *seats_[i]->ear);
      seats_[i]->tap = std::make_unique<trace::Tap>(*seats_[i]->transport, seats_[i]->recorder);
    }
    std::vector<net::SipTransport*> transports;
    for (const auto& seat : seats_) transports.push_back(seat->transport.get());
    for (const Listener& listener : config_.listening()) {
      if (!listener.protocol()) continue;
      const auto bound = transports.front()->listen(*listener.protocol(), listener.address);
      if (!bound) return cannot_listen(listener, bound.error());
      bound_.push_back({listener.kind, *bound});
    }
    if (transports.size() > 1) {
      if (const auto joined = net::SipTransport::connect_peers(transports); !joined) {
        return fail(Exit::cannot_listen, "shards cannot share the listeners: " + joined.error().message());
      }
    }
    return Exit::done;
  }

  /// What the listeners stand for can be dialled, too.
  locate::Abilities abilities() const {
    locate::Abilities able{.protocols = {}, .ipv4 = false, .ipv6 = false};
    for (const auto& [protocol, kind] : {std::pair{transaction::Protocol::tls, Listener::Kind::tls},
                                         {transaction::Protocol::tcp, Listener::Kind::tcp},
                                         {transaction::Protocol::udp, Listener::Kind::udp}}) {
      for (const Listener& listener : bound_) {
        if (listener.kind != kind) continue;
        if (!able.has(protocol)) able.protocols.push_back(protocol);
        const bool v4 = listener.address.ip.family == IpAddress::Family::v4;
        (v4 ? able.ipv4 : able.ipv6) = true;
      }
    }
    return able;
  }

  void open_name_service() {
    for (const auto& seat : seats_) {
      seat->dns = std::make_unique<net::DnsClient>(seat->loop,
                                                   net::DnsClient::Options{.servers = config_.dns_servers});
      seat->locator = std::make_unique<locate::Finder>(*seat->dns, abilities(), seat->loop.timers(),
                                                       seat->loop.clock(), seat->random);
    }
  }

  Exit cannot_listen(const Listener& listener, const ErrorCode& error) {
    return fail(Exit::cannot_listen, "cannot listen on " + print(listener) + ": " + error.message());
  }

  static std::optional<Bytes> answer_stun(const Address& from, ByteView message) {
    return stun::make_binding_response(message, from, software);
  }

  Settings make_settings() {
    Settings settings = config_.settings;
    settings.domains = served_domains();
    if (!config_.advertise.empty()) settings.hosts.push_back(to_lower(config_.advertise));
    for (const Listener& listener : bound_) {
      if (!listener.protocol()) continue;
      settings.ports.push_back(listener.address.port);
      const IpAddress& ip = listener.address.ip;
      const auto ours = ip.is_unspecified() ? net::own_addresses(ip.family) : std::vector{ip};
      for (const IpAddress& each : ours) settings.hosts.push_back(beckon::print(each));
    }
    return settings;
  }

  Exit build_node() {
    open_name_service();
    std::vector<Node::Seat> places;
    for (const auto& seat : seats_) {
      places.push_back({{*seat->tap, seat->loop.timers(), seat->loop.clock(), seat->random, *seat->state,
                         *seat->users, seat->bus, *seat->locator},
                        [&own = seat->loop](std::function<void()> work) { own.post(std::move(work)); }});
    }
    node_ = std::make_unique<Node>(make_settings(), seats_.front()->random, places);
    for (unsigned i = 0; i < node_->size(); ++i) add_rooms(node_->shard(i), node_->key());
    if (state_) {
      if (const auto loaded = state_->load(*node_); !loaded) {
        return fail(Exit::store, admin::state_file(config_.data).string() + ": " + loaded.error().message());
      }
    }
    node_->restored();
    admin::save_domains(config_.data,
                        config_.domains.empty() ? std::vector<std::string>{"localhost"} : config_.domains);
    return Exit::done;
  }

  Exit open_services() {
    web_ = std::make_unique<Web>(*node_);
    xcap_server_ = std::make_unique<http::HttpServer>(
        loop(0), std::string(software),
        [this](http::HttpRequest request, http::Respond respond) {
          web_->handle(std::move(request), std::move(respond));
        },
        http::HttpLimits{.connections_per_address = config_.connections.per_address});
    admin_server_ = std::make_unique<http::HttpServer>(
        loop(0), std::string(software),
        [this](const http::HttpRequest& request, const http::Respond& respond) {
          answer_admin(request, respond);
        });
    stun_ = std::make_unique<net::StunListener>(loop(0), answer_stun);
    for (const Listener& listener : config_.listening()) {
      if (listener.protocol()) continue;
      const auto bound = open_service(listener);
      if (!bound) return cannot_listen(listener, bound.error());
      bound_.push_back({listener.kind, *bound});
    }
    traces_ = std::make_unique<admin::Traces>(
        loop(0), seats_.size(),
        [this](const std::vector<std::optional<std::uint64_t>>& from, Time until,
               const std::function<void(std::vector<trace::Recorder::Page>)>& done) {
          read_trace(from, until, done);
        });
    socket_ = std::make_unique<admin::Socket>(
        loop(0),
        [this](const std::string& line, const admin::ReplyPtr& reply) { answer_socket(line, reply); });
    const auto path = admin::socket_path(config_.data);
    if (const auto opened = socket_->listen(path); !opened) {
      return fail(Exit::cannot_listen, path.string() + ": " + opened.error().message());
    }
    return Exit::done;
  }

  Result<Address> open_service(const Listener& listener) {
    if (listener.kind == Listener::Kind::https) return xcap_server_->listen(listener.address, tls_);
    if (listener.kind == Listener::Kind::admin) return admin_server_->listen(listener.address, nullptr);
    return stun_->listen(listener.address);
  }

  // While running

  void announce() {
    std::string addresses;
    for (const Listener& listener : bound_) addresses += ' ' + print(listener);
    std::cerr << "beckond " BECKON_VERSION " serves";
    for (const std::string& domain : node_->shard(0).settings().domains) std::cerr << ' ' << domain;
    std::cerr << "; data in " << config_.data.string() << '\n'
              << "beckond: listening on" << addresses << '\n'
              << "beckond: add a user with: beckond user add alice@"
              << node_->shard(0).settings().domains.front() << " --data " << config_.data.string() << '\n';
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
    bool whole = reload_certificate(tls_);
    if (tls_sip_ != tls_) whole = reload_certificate(tls_sip_) && whole;
    Config fresh;
    if (const auto problem = server::reload(config_, fresh)) return log::error("server", "{}", *problem);
    const auto keys = waiting(config_, fresh);
    config_ = reloaded(config_, fresh);
    log::set_level(config_.log);
    if (!keys.empty()) log::warn("server", "changed keys that wait for a restart: {}", fmt::join(keys, ", "));
    apply_settings();
    log::info("server", "configuration {}read again", whole ? "and certificates " : "");
  }

  /// False when what is there stays in use. `context` is null where nobody listens for TLS.
  static bool reload_certificate(const net::TlsContextPtr& context) {
    if (!context) return true;
    const auto read = context->reload();
    if (!read) log::error("server", "certificate: {}", read.error().message());
    return read.has_value();
  }

  void apply_settings() {
    node_->each([settings = make_settings()](Shard& shard) { shard.set_settings(settings); });
  }

  /// Asks every shard on its thread, and tells `done` on loop 0.
  template <class T>
  void gather(std::function<T(Shard&)> read, std::function<void(std::vector<T>)> done) {
    auto parts = std::make_shared<std::vector<T>>();
    node_->each([this, parts, read = std::move(read), done = std::move(done)](Shard& shard) {
      loop(0).post([parts, done, part = read(shard), all = node_->size()] {
        parts->push_back(part);
        if (parts->size() == all) done(std::move(*parts));
      });
    });
  }

  void answer_socket(const std::string& line, const admin::ReplyPtr& reply) {
    const auto [verb, word] = cut(line, ' ');
    if (verb == "users") {
      apply_settings();
      return reply->finish("{}");
    }
    if (verb == "trace") return traces_->start(word, reply);
    if (verb != "tables" && verb != "about")
      return reply->finish(admin::refusal("the question cannot be read"));
    gather<std::vector<Table>>(
        [](Shard& shard) { return shard.tables(); },
        [reply, about = std::string(word)](const std::vector<std::vector<Table>>& parts) {
          std::vector<Table> all;
          for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
          all = admin::merge(std::move(all));
          if (!about.empty()) all = admin::rows_about(std::move(all), about);
          reply->finish(admin::print_json(all));
        });
  }

  void read_trace(const std::vector<std::optional<std::uint64_t>>& from, Time until,
                  const std::function<void(std::vector<trace::Recorder::Page>)>& done) {
    using Numbered = std::pair<unsigned, trace::Recorder::Page>;
    gather<Numbered>(
        [this, from, until](Shard& shard) {
          const unsigned number = shard.number();
          Numbered read(number, {});
          if (const auto at = from[number])
            read.second = seats_[number]->recorder.read(*at, until, trace::Reader::page);
          return read;
        },
        [done](std::vector<Numbered> parts) {
          std::vector<trace::Recorder::Page> pages(parts.size());
          for (Numbered& each : parts) pages[each.first] = std::move(each.second);
          done(std::move(pages));
        });
  }

  void answer_admin(const http::HttpRequest& request, const http::Respond& respond) {
    if (request.method != "GET" && request.method != "HEAD")
      return respond({.status = 405, .headers = {{"Allow", "GET, HEAD"}}});
    if (request.target == "/health") {
      return respond({.status = 200,
                      .headers = {{"Content-Type", "application/json"}},
                      .body = "{\"status\":\"ok\"}\n"});
    }
    if (request.target != "/metrics") return respond({.status = 404});
    gather<admin::Metrics>([this](Shard& shard) { return read_metrics(shard); },
                           [respond](const std::vector<admin::Metrics>& parts) {
                             admin::Metrics all;
                             for (const auto& part : parts) all += part;
                             respond({.status = 200,
                                      .headers = {{"Content-Type", "text/plain; version=0.0.4"}},
                                      .body = admin::print(all)});
                           });
  }

  admin::Metrics read_metrics(Shard& shard) {
    return {.counters = shard.counters(),
            .transactions = shard.transactions().size(),
            .registered = shard.room<registrar::Registrar>().size(),
            .flows = seats_[shard.number()]->transport->flows()};
  }

  Config config_;
  SystemClock clock_;
  std::vector<Listener> bound_;
  net::TlsContextPtr tls_;      ///< Of web and wss, and
  net::TlsContextPtr tls_sip_;  ///< of TLS listeners, which may ask for certificates.
  std::unique_ptr<store::SqliteState> state_;
  std::unique_ptr<store::SqliteUsers> users_;
  std::vector<std::unique_ptr<Seat>> seats_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<Web> web_;
  std::unique_ptr<http::HttpServer> xcap_server_;
  std::unique_ptr<http::HttpServer> admin_server_;
  std::unique_ptr<net::StunListener> stun_;
  std::unique_ptr<admin::Traces> traces_;
  std::unique_ptr<admin::Socket> socket_;
};

}  // namespace

Exit serve(const Config& config) { return Daemon(config).run(); }

}  // namespace beckon::server
