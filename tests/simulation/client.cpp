#include "tests/simulation/client.hpp"

#include <boost/json/serialize.hpp>
#include <utility>

#include "client/account/account.hpp"
#include "client/control/command.hpp"

namespace beckon::simulation {
namespace {

/// Direct sessions have a port of their own beside SIP's.
constexpr std::uint16_t direct_port_number = 40000;

class DirectPort final : public client::direct::Port {
 public:
  DirectPort(simulation::Network& network, const IpAddress& ip, simulation::Network::OnDatagram on_datagram)
      : network_(network),
        address_{ip, direct_port_number},
        listening_(network.listen(address_, std::move(on_datagram))) {}

  void send(const Address& to, ByteView datagram) override {
    network_.send(address_, to, std::string(as_text(datagram)));
  }
  std::vector<direct::Candidate> candidates() override {
    constexpr std::uint32_t host_priority = 2'130'706'431;
    return {{direct::Candidate::Type::host, host_priority, address_}};
  }
  direct::Networks networks() override {
    direct::Networks networks;
    networks.interfaces = {{address_.ip, 24}};
    return networks;
  }

 private:
  simulation::Network& network_;
  Address address_;
  std::shared_ptr<void> listening_;
};

http::HttpRequest to_http(xcap::Request&& request, const Address& peer) {
  http::HttpRequest out;
  out.method = xcap::to_string(request.method);
  out.target = std::move(request.target);
  out.headers = std::move(request.headers);
  out.body = std::move(request.body);
  out.peer = peer;
  out.secure = true;
  return out;
}

xcap::Response to_xcap(const http::HttpResponse& reply) {
  xcap::Response response;
  response.status = static_cast<unsigned>(reply.status);
  response.headers = reply.headers;
  response.content_type = xcap::find_header(reply.headers, "Content-Type").value_or("");
  std::string_view etag = xcap::find_header(reply.headers, "ETag").value_or("");
  if (etag.size() >= 2) etag = etag.substr(1, etag.size() - 2);
  response.etag = etag;
  response.body = reply.body;
  return response;
}

/// HTTP over a stream that takes its time each way.
class Http final : public client::xcap::Http {
 public:
  Http(Network& network, Server& server, const Address& address)
      : network_(network), server_(server), address_(address) {}

  void send(xcap::Request request, Done done) override {
    auto back = [this, alive = std::weak_ptr(alive_),
                 done = std::move(done)](const Result<http::HttpResponse>& reply) {
      if (alive.expired()) return;
      network_.deliver_reliably([this, alive, done, reply] {
        if (alive.expired()) return;
        const Now now = network_.world().now();
        reply ? done(to_xcap(*reply), now) : done(reply.error(), now);
      });
    };
    network_.world().note("http " + print(address_), request.body);
    network_.deliver_reliably([&server = server_, sent = to_http(std::move(request), address_), back] {
      server.handle_http(sent, back);
    });
  }

 private:
  Network& network_;
  Server& server_;
  Address address_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

struct Client::Process {
  Process(Client& owner, client::control::OnEvent emit)
      : world(owner.network_.datagrams().world()),
        timers(world.make_timers(heap::Owner::nobody)),
        http(owner.network_.datagrams(), owner.server_, owner.account_.address),
        port(owner.network_.datagrams(), owner.account_.address.ip,
             [this](const Address& from, const std::string& datagram) {
               agent->on_datagram(from, as_bytes(datagram), world.now());
             }),
        sip(owner.network_, owner.account_.address, SipPort::Streams::dials,
            {.on_message =
                 [this](const transaction::Hop& from, const sip::Message& message) {
                   agent->on_message(from, message, world.now());
                 },
             .on_flow_opened =
                 [this](const transaction::Hop& flow) { agent->on_flow_opened(flow, world.now()); },
             .on_flow_closed = [this](transaction::FlowId flow) { agent->on_flow_closed(flow, world.now()); },
             .on_stun =
                 [this](const Address& from, ByteView message) {
                   agent->on_stun(from, message, world.now());
                   return std::optional<Bytes>();
                 }}) {
    client::account::Account account = *client::account::parse_account(owner.account_.aor);
    account.password = owner.account_.password;
    account.instance = owner.keyring_.instance;
    agent = std::make_unique<client::Agent>(
        client::Agent::Config{std::move(account),
                              {{owner.account_.protocol, owner.server_.address(), owner.account_.address, 0}},
                              "simulated",
                              "/xcap",
                              client::Tracing::off,
                              {}},
        owner.keyring_,
        client::Agent::Edges{sip, *timers, world, world.random(), http, port, owner.pins_, [] {}},
        std::move(emit));
    agent->start(world.now());
  }

  World& world;
  std::shared_ptr<TimerQueue> timers;
  Http http;
  DirectPort port;
  SipPort sip;
  std::unique_ptr<client::Agent> agent;
};

Client::Client(SipNetwork& network, Server& server, Account account)
    : network_(network),
      server_(server),
      account_(std::move(account)),
      uri_("sip:" + account_.aor),
      keyring_(client::direct::make_keyring(network.datagrams().world().random())) {}

Client::~Client() = default;

void Client::start() {
  process_ = std::make_unique<Process>(*this, [this](boost::json::object event) {
    network_.datagrams().world().note("event " + account_.aor, boost::json::serialize(event));
    events_.push_back(std::move(event));
  });
}

void Client::end() { process_.reset(); }

std::string Client::execute(const std::vector<std::string>& words) {
  auto command = client::control::parse_words(words);
  command->id = std::to_string(++last_id_);
  process_->agent->execute(*command, network_.datagrams().world().now());
  return command->id;
}

const boost::json::object* Client::result(const std::string& id) const {
  return last("result", [&](const boost::json::object& event) { return text(event, "id") == id; });
}

const boost::json::object* Client::last(std::string_view name, const Where& where) const {
  for (auto event = events_.rbegin(); event != events_.rend(); ++event) {
    if (text(*event, "event") == name && (!where || where(*event))) return &*event;
  }
  return nullptr;
}

std::string_view text(const boost::json::object& event, std::string_view member) {
  const auto* value = event.if_contains(member);
  return value != nullptr && value->is_string() ? std::string_view(value->as_string()) : std::string_view();
}

}  // namespace beckon::simulation
