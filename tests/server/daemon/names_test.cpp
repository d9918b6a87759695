#include "server/daemon/names.hpp"

#include <doctest/doctest.h>

#include "server/daemon/file_limit.hpp"

using namespace beckon;
using namespace beckon::server;
using transaction::Protocol;
using Texts = std::vector<std::string>;

namespace {

Config make_config(const std::vector<const char*>& listeners, Texts domains = {}) {
  Config config;
  config.domains = std::move(domains);
  for (const char* text : listeners) config.listeners.push_back(parse_listener(text).value());
  return config;
}

std::vector<IpAddress> own_addresses(IpAddress::Family family) {
  if (family == IpAddress::Family::v6) return {*parse_ip("2001:db8::1")};
  return {*parse_ip("192.0.2.1"), *parse_ip("127.0.0.1")};
}

}  // namespace

TEST_CASE("the configured domains are served, and those of the users, each once") {
  CHECK(served_domains(make_config({}, {"example.org"}), {"example.net", "example.org"}) ==
        Texts{"example.org", "example.net"});
}

TEST_CASE("where no domain is configured the machine's own names are served, too") {
  CHECK(served_domains(make_config({}), {"example.net", "localhost"}) ==
        Texts{"example.net", "localhost", "127.0.0.1", "::1"});
  CHECK(served_domains(make_config({}), {}).front() == "localhost");
}

TEST_CASE("a self-signed certificate names the machine, the domains, the advertised host and the listeners") {
  Config config = make_config({"tls:192.0.2.1:5061", "wss:[::]:443", "https:192.0.2.1:5443"});
  config.advertise = "sip.example.org";
  const auto names = certificate_names(config, {"example.org", "127.0.0.1", "192.0.2.7"});
  CHECK(names.names == Texts{"localhost", "example.org", "sip.example.org"});
  CHECK(names.ips == std::vector{*parse_ip("127.0.0.1"), *parse_ip("::1"), *parse_ip("192.0.2.7"),
                                 *parse_ip("192.0.2.1")});
}

TEST_CASE(
    "a node recognises itself by its advertised host and the addresses and ports of its SIP listeners") {
  Config config = make_config({});
  config.advertise = "SIP.example.org";
  const std::vector<Listener> bound{
      *parse_listener("udp:0.0.0.0:5060"), *parse_listener("tls:192.0.2.9:5061"),
      *parse_listener("https:192.0.2.10:5443"), *parse_listener("tcp:[::]:5070")};
  const Settings settings = make_settings(config, {"example.org"}, bound, own_addresses);
  CHECK(settings.domains == Texts{"example.org"});
  CHECK(settings.hosts == Texts{"sip.example.org", "192.0.2.1", "127.0.0.1", "192.0.2.9", "2001:db8::1"});
  CHECK(settings.ports == std::vector<std::uint16_t>{5060, 5061, 5070});
}

TEST_CASE(
    "the transports and address families of the listeners can be dialled: TLS, TCP, UDP in that order") {
  const auto able = make_abilities({*parse_listener("udp:192.0.2.1:5060"),
                                    *parse_listener("tls:192.0.2.1:5061"), *parse_listener("ws:[::1]:80")});
  CHECK(able.protocols == std::vector{Protocol::tls, Protocol::udp});
  CHECK(able.ipv4);
  CHECK_FALSE(able.ipv6);
  CHECK(make_abilities({}).protocols.empty());
}

TEST_CASE("the limit of open files covers every connection that the stream listeners admit") {
  Config config = make_config({"udp:127.0.0.1:0"});
  config.connections.total = 1000;
  const auto none = wanted_files(config);
  config.listeners.push_back(*parse_listener("tcp:127.0.0.1:0"));
  CHECK(wanted_files(config) == none + 1000);
  config.listeners.push_back(*parse_listener("wss:127.0.0.1:0"));
  CHECK(wanted_files(config) == none + 2000);
  config.listeners.push_back(*parse_listener("https:127.0.0.1:0"));
  CHECK(wanted_files(config) == none + 12000);
}

TEST_CASE("invited users come to the safest listener that others reach, under the host that peers know") {
  struct Row {
    std::vector<const char*> listeners;
    const char* advertise;
    admin::Reach reach;
  };
  for (const Row& row :
       {Row{{"udp:127.0.0.1:5060", "tls:127.0.0.1:5061", "https:127.0.0.1:5443"},
            "",
            {"tls:127.0.0.1:5061", "https://127.0.0.1:5443/xcap", "cert.pem"}},
        Row{{"tls:127.0.0.1:5061", "tls:192.0.2.9:5061"}, "", {"tls:192.0.2.9:5061", "", "cert.pem"}},
        Row{{"tls:192.0.2.9:5061", "tls:192.0.2.10:5061"}, "", {"tls:192.0.2.9:5061", "", "cert.pem"}},
        Row{{"udp:0.0.0.0:5060", "tcp:0.0.0.0:5070"}, "", {"tcp:192.0.2.1:5070", "", ""}},
        Row{{"tls:[::]:5061"}, "", {"tls:[2001:db8::1]:5061", "", "cert.pem"}},
        Row{{"tls:0.0.0.0:5061", "https:0.0.0.0:443"},
            "sip.example.org",
            {"tls:sip.example.org:5061", "https://sip.example.org:443/xcap", "cert.pem"}},
        Row{{"tls:0.0.0.0:5061"}, "2001:db8::7", {"tls:[2001:db8::7]:5061", "", "cert.pem"}},
        Row{{"wss:127.0.0.1:443"}, "", {"", "", "cert.pem"}}}) {
    Config config = make_config(row.listeners);
    config.advertise = row.advertise;
    CAPTURE(row.reach.server);
    CHECK(make_reach(config, config.listeners, "cert.pem", own_addresses) == row.reach);
  }
}
