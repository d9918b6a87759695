#include "client/cli/examination.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <iostream>
#include <memory>
#include <optional>

#include "client/control/cause.hpp"
#include "client/doctor/doctor.hpp"
#include "protocol/base/text.hpp"
#include "protocol/crypto/crypto.hpp"
#include "protocol/locate/finder.hpp"
#include "protocol/net/dns_client.hpp"
#include "protocol/net/https_client.hpp"
#include "protocol/net/sip_transport.hpp"
#include "protocol/net/source_address.hpp"
#include "protocol/sip/header_value.hpp"

namespace beckon::client::cli {
namespace {

using doctor::Server;
using sip::HeaderId;
using Trouble = Server::Trouble;

/// How long an answer to OPTIONS may take; over UDP it is asked for again meanwhile.
constexpr Duration answer_wait = 8s, ask_again = 1s;

Trouble trouble_of(const ErrorCode& error) {
  if (error == net::Errc::untrusted) return Trouble::untrusted;
  if (error == net::Errc::wrong_name) return Trouble::wrong_name;
  if (error == net::Errc::other_certificate) return Trouble::other_certificate;
  if (error == net::Errc::no_handshake) return Trouble::no_tls;
  if (error == net::Errc::timed_out) return Trouble::silent;
  if (error == boost::system::errc::connection_refused) return Trouble::refused;
  return Trouble::other;
}

std::string name_of(const net::Hop& hop) {
  return to_lower(transaction::via_name(hop.protocol)) + " " + print(hop.remote);
}

std::vector<std::string> texts_of(const sip::Message& message, HeaderId header) {
  std::vector<std::string> texts;
  for (const std::string_view value : message.each(header))
    for (const std::string_view each : split(value, ',')) texts.emplace_back(each);
  return texts;
}

std::chrono::sys_seconds seconds_of(Now now) { return std::chrono::floor<std::chrono::seconds>(now.wall); }

/// One examination: each step begins when the one before has ended.
class Examination final : private net::Receiver {
 public:
  explicit Examination(const Options& options)
      : options_(options),
        dns_(loop_, net::DnsClient::Options{.servers = options.name_servers}),
        locator_(dns_, {.ipv6 = net::source_address({*parse_ip("2001:4860:4860::8888"), 53}).has_value()},
                 loop_.timers(), loop_.clock(), random_),
        timer_(loop_.timers()),
        repeat_(loop_.timers()) {}

  int run() {
    facts_.domain = options_.server.host;
    facts_.is_pinned = !options_.fingerprint.empty();
    auto tls = options_.fingerprint.empty() ? net::TlsContext::client(options_.ca_file)
                                            : net::TlsContext::pinned_client(options_.fingerprint);
    if (!tls) {
      std::cerr << "beckon: --ca " << options_.ca_file << ": " << tls.error().message() << '\n';
      return static_cast<int>(control::Cause::usage);
    }
    tls_ = std::move(*tls);
    net::SipTransport::Options transport;
    transport.tls_client = tls_;
    transport.random = &random_;
    net::Receiver& receiver = *this;
    transport_ = std::make_unique<net::SipTransport>(loop_, std::move(transport), receiver);
    locator_.locate(options_.server, [this](const locate::Locator::Hops& hops) { on_located(hops); });
    loop_.run();
    return report();
  }

 private:
  void on_located(const locate::Locator::Hops& hops) {
    if (!hops) {
      facts_.not_found = hops.error().message();
      return loop_.stop();
    }
    hops_ = *hops;
    try_server(0);
  }

  void try_server(std::size_t number) {
    if (number == hops_.size()) return ask_server();
    const net::Hop& hop = hops_[number];
    Server server{.address = name_of(hop), .is_secure = transaction::is_secure(hop.protocol)};
    if (hop.protocol == net::Protocol::udp) {  // what it answers shows whether it is there
      facts_.servers.push_back(std::move(server));
      if (!used_) used_ = hop;
      return try_server(number + 1);
    }
    transport_->connect(hop, [this, number, server](const Result<net::Hop>& flow) mutable {
      if (!flow) {
        server.trouble = trouble_of(flow.error());
        server.reason = flow.error().message();
      } else if (!used_) {
        used_ = *flow;
      }
      facts_.servers.push_back(std::move(server));
      try_server(number + 1);
    });
  }

  void ask_server() {
    if (!used_) return loop_.stop();
    if (used_->protocol == net::Protocol::udp && !listen()) return ask_documents();
    call_id_ = random_.token(12);
    branch_ = "z9hG4bK" + random_.token(12);
    tag_ = random_.token(8);
    timer_.set(loop_.now().mono + answer_wait, [this](Time) { on_silence(); });
    ask();
  }

  /// A port of UDP shows only by its answer that somebody is there.
  void on_silence() {
    for (Server& each : facts_.servers)
      if (used_->protocol == net::Protocol::udp && each.address == name_of(*used_)) {
        each.trouble = Trouble::silent;
        each.reason = "no answer";
      }
    ask_documents();
  }

  bool listen() {
    const auto local = net::source_address(used_->remote);
    const auto bound =
        local ? transport_->listen(net::Protocol::udp, {*local, 0}) : Result<Address>(local.error());
    if (bound) used_->local = *bound;
    return bound.has_value();
  }

  void ask() {
    const std::string domain = options_.account.domain;
    transport_->send(
        *used_,
        share(fmt::format("OPTIONS sip:{0} SIP/2.0\r\nVia: SIP/2.0/{1} {2};branch={3};rport\r\n"
                          "Max-Forwards: 70\r\nFrom: <{4}>;tag={5}\r\nTo: <sip:{0}>\r\nCall-ID: {6}\r\n"
                          "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
                          domain, transaction::via_name(used_->protocol), print(used_->local), branch_,
                          options_.account.aor, tag_, call_id_)),
        nullptr);
    if (used_->protocol != net::Protocol::udp) return;
    repeat_.set(loop_.now().mono + ask_again, [this](Time) { ask(); });
  }

  void on_message(const net::Hop&, sip::Message message) override {
    if (!message.is_response() || message.call_id() != call_id_ || facts_.answer || message.status() < 200)
      return;
    doctor::Answer answer{.status = message.status(),
                          .software = std::string(message.header(HeaderId::server)),
                          .methods = texts_of(message, HeaderId::allow),
                          .packages = texts_of(message, HeaderId::allow_events),
                          .options = texts_of(message, HeaderId::supported),
                          .came = seconds_of(loop_.now()),
                          .sent_from = print(used_->local)};
    if (const auto date = sip::parse_date(message.header(HeaderId::date))) answer.date = *date;
    if (const auto via = message.top_via()) answer.seen_from = seen_in(*via);
    facts_.answer = std::move(answer);
    ask_documents();
  }
  void on_malformed(const net::Hop&, ErrorCode, std::string_view) override {}

  /// RFC 3261 18.2.1, RFC 3581 4: where our request came from. Without `received` it came from where we said.
  std::string seen_in(const sip::Via& via) const {
    Address seen = used_->local;
    if (const auto received = sip::find_parameter(via.parameters, "received"))
      if (const auto ip = parse_ip(*received)) seen.ip = *ip;
    if (const auto port = sip::find_parameter(via.parameters, "rport"))
      seen.port = parse_number<std::uint16_t>(*port).value_or(seen.port);
    return print(seen);
  }

  void ask_documents() {
    timer_.cancel();
    repeat_.cancel();
    facts_.xcap = options_.xcap_url;
    https_ = std::make_unique<net::HttpsClient>(loop_, tls_, locator_);
    net::HttpsRequest request;
    request.url = options_.xcap_url + "/xcap-caps/global/index";
    https_->request(std::move(request), [this](const Result<net::HttpsResponse>& reply) {
      facts_.xcap_status = reply ? reply->status : 0;
      if (!reply) facts_.xcap_reason = reply.error().message();
      loop_.stop();
    });
  }

  int report() const {
    const auto findings = doctor::judge(facts_);
    if (options_.json) {
      for (const auto& each : findings) {
        boost::json::object line{
            {"check", each.check}, {"grade", doctor::to_string(each.grade)}, {"what", each.what}};
        if (!each.advice.empty()) line["advice"] = each.advice;
        std::cout << boost::json::serialize(line) << '\n';
      }
    } else {
      std::cout << doctor::print(findings);
    }
    if (doctor::is_well(findings)) return static_cast<int>(control::Cause::done);
    const bool distrust =
        !used_ && !facts_.servers.empty() && std::ranges::any_of(facts_.servers, [](const Server& each) {
          return each.trouble == Trouble::untrusted || each.trouble == Trouble::wrong_name ||
                 each.trouble == Trouble::other_certificate;
        });
    return static_cast<int>(distrust ? control::Cause::untrusted : control::Cause::unreachable);
  }

  const Options& options_;
  net::Loop loop_;
  crypto::SystemRandom random_;
  net::DnsClient dns_;
  locate::Finder locator_;
  Timer timer_, repeat_;
  net::TlsContextPtr tls_;
  std::unique_ptr<net::SipTransport> transport_;
  std::unique_ptr<net::HttpsClient> https_;
  std::vector<net::Hop> hops_;
  std::optional<net::Hop> used_;
  std::string call_id_, branch_, tag_;
  doctor::Facts facts_;
};

}  // namespace

int examine(const Options& options) { return Examination(options).run(); }

}  // namespace beckon::client::cli
