#include "tests/simulation/station.hpp"

#include <fmt/format.h>

#include <utility>

#include "protocol/sip/builder.hpp"

namespace beckon::simulation {

using transaction::Hop;
using transaction::Outcome;

struct Station::Process {
  explicit Process(Station& station)
      : timers(station.world_.make_timers(heap::Owner::nobody)),
        port(std::make_unique<SipPort>(
            station.network_, station.account_.address, SipPort::Streams::dials,
            SipPort::Handlers{.on_message =
                                  [this, &station](const Hop& from, const sip::Message& message) {
                                    if (station.process_.get() == this)
                                      layer.receive(from, message, station.now());
                                  },
                              .on_flow_opened = [](const Hop&) {},
                              .on_flow_closed =
                                  [this, &station](transaction::FlowId flow) {
                                    if (station.process_.get() == this) station.on_flow_closed(flow);
                                  }})),
        layer({}, *port, *timers, station.world_, station.world_.random(), station) {}

  std::shared_ptr<TimerQueue> timers;
  std::unique_ptr<SipPort> port;
  transaction::Layer layer;
};

Station::Station(SipNetwork& network, const Address& server, Account account)
    : network_(network), world_(network.datagrams().world()), server_(server), account_(std::move(account)) {}

Station::~Station() = default;

void Station::start() {
  if (process_) return;
  corpse_.reset();
  process_ = std::make_unique<Process>(*this);
  wants_registration_ = true;
  register_call_id_ = fresh_name();
  register_soon(soon());
  on_start();
}

void Station::end(Death death) {
  if (death == Death::crash) corpse_.reset();
  if (!process_) return;
  on_end();
  is_registered_ = false;
  if (death == Death::silence) corpse_ = std::move(process_->port);
  process_.reset();
}

void Station::cut_flows() {
  if (process_) process_->port->cut_flows();
}

/// Its contact has gone with the connection.
void Station::on_flow_closed(transaction::FlowId flow) {
  on_cut(flow);
  process_->layer.on_flow_closed(flow, now());
  is_registered_ = false;
  register_soon(soon());
}

transaction::Layer& Station::layer() { return process_->layer; }

Duration Station::soon() { return Duration(static_cast<Duration::rep>(world_.random().below(2'000'000))); }

void Station::later(Duration after, std::function<void()> work) {
  process_->timers->set(now().mono + after, [work = std::move(work)](Time) { work(); });
}

std::string Station::contact() const {
  const std::string user = account_.aor.substr(0, account_.aor.find('@'));
  const char* transport = account_.protocol == transaction::Protocol::udp   ? ""
                          : account_.protocol == transaction::Protocol::tcp ? ";transport=tcp"
                                                                            : ";transport=tls";
  return user + '@' + print(account_.address) + transport;
}

std::string Station::fresh_name() { return fmt::format("{}.{}", account_.name, ++names_); }

std::string Station::begin_request(std::string_view method, std::string_view uri, const std::string& to,
                                   const std::string& tag, const std::string& call_id,
                                   std::uint32_t cseq) const {
  return fmt::format(
      "{} {} SIP/2.0\r\nMax-Forwards: 70\r\nFrom: <{}>;tag={}\r\nTo: <{}>\r\nCall-ID: {}\r\nCSeq: {} {}\r\n",
      method, uri, account_.aor, tag, to, call_id, cseq, method);
}

void Station::respond(transaction::TransactionId id, const sip::Message& request, int status) {
  layer().respond(id, sip::Builder::reply(request, status, account_.name).finish(), now());
}

// REGISTER

void Station::register_soon(Duration after) {
  later(after, [this, due = ++register_cseq_] {
    if (due == register_cseq_) ask_registration();
  });
}

void Station::unregister() {
  wants_registration_ = false;
  if (process_) register_soon(Duration::zero());
}

void Station::ask_registration() {
  const auto lifetime = wants_registration_ ? account_.lifetime : std::chrono::seconds(0);
  const std::string text =
      begin_request("REGISTER", "sip:example.org", account_.aor, "register", register_call_id_,
                    register_cseq_) +
      fmt::format("Contact: <{}>;+sip.instance=\"<urn:x:{}>\"{}\r\nExpires: {}\r\nContent-Length: 0\r\n\r\n",
                  contact(), account_.name, account_.q.empty() ? "" : ";q=" + account_.q, lifetime.count());
  layer().send(
      text, server_hop(),
      [this, lifetime](const Outcome& outcome, Now) {
        if (outcome.kind == Outcome::Kind::provisional) return;
        const bool is_taken = outcome.status / 100 == 2;
        is_registered_ = is_taken && lifetime > 0s;
        if (!is_taken)
          register_soon(1s + 2 * soon());
        else if (is_registered_)
          register_soon(Duration(lifetime) * 4 / 5);
      },
      now());
}

}  // namespace beckon::simulation
