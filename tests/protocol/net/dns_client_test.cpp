#include "protocol/net/dns_client.hpp"

#include <doctest/doctest.h>

#include <map>

#include "protocol/locate/finder.hpp"
#include "tests/protocol/net/name_server.hpp"
#include "tests/protocol/net/support.hpp"

using namespace beckon;
using namespace beckon::net;
using namespace beckon::net::test;
using locate::Answer;
using locate::Question;
using locate::Type;

namespace {

constexpr std::string_view zone = R"({
  "example.org": {"NAPTR": [[50, 50, "s", "SIPS+D2T", "", "_sips._tcp.example.org"]],
                  "A": ["192.0.2.1", "192.0.2.2"], "AAAA": ["2001:db8::1"]},
  "_sips._tcp.example.org": {"SRV": [[10, 20, 5061, "Host.example.org"], [20, 0, 5062, "host.example.org"]]},
  "host.example.org": {"A": ["192.0.2.3"]},
  "alias.example.org": {"CNAME": "host.example.org"},
  "large.example.org": {"A": {"records": ["192.0.2.4"], "truncate": true}},
  "broken.example.org": {"A": {"rcode": 2}},
  "silent.example.org": {"A": {"silent": true}},
  "loop.example.org": {"CNAME": "loop2.example.org"}, "loop2.example.org": {"CNAME": "loop.example.org"}
})";

struct Fixture {
  Answer ask(const Question& question) { return ask(client, question); }
  Answer ask(DnsClient& asked, const Question& question) {
    std::optional<Answer> got;
    asked.ask(question, [&](const Answer& answer) { got = answer; });
    CHECK_FALSE(got.has_value());  // never from inside the call
    REQUIRE(loop.run_until([&] { return got.has_value(); }, limit));
    return *got;
  }

  NameServer server{std::string(zone)};
  Loop loop;
  /// Two tries: with twice the time for the second they end within `limit`.
  DnsClient client{loop, {.servers = {server.address()}, .timeout = 5s, .tries = 2, .hosts = {}}};
  /// For servers that will not answer, however long one waits.
  DnsClient hasty{loop, {.servers = {server.address()}, .timeout = 50ms, .tries = 2, .hosts = {}}};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "records of all four types come from the name server") {
  CHECK(ask({"example.org", Type::a}).addresses ==
        std::vector{*parse_ip("192.0.2.1"), *parse_ip("192.0.2.2")});
  CHECK(ask({"example.org", Type::aaaa}).addresses == std::vector{*parse_ip("2001:db8::1")});
  CHECK(ask({"_sips._tcp.example.org", Type::srv}).services ==
        std::vector<locate::Srv>{{10, 20, 5061, "host.example.org"}, {20, 0, 5062, "host.example.org"}});
  const auto pointers = ask({"example.org", Type::naptr});
  CHECK(pointers.pointers ==
        std::vector<locate::Naptr>{{50, 50, "s", "SIPS+D2T", "", "_sips._tcp.example.org"}});
  CHECK(pointers.ttl == 60s);
  CHECK(ask({"alias.example.org", Type::a}).addresses == std::vector{*parse_ip("192.0.2.3")});
}

TEST_CASE_FIXTURE(Fixture,
                  "no such name and no such record are distinguished, with the SOA's TTL (RFC 2308)") {
  const auto name = ask({"nobody.example.org", Type::a});
  CHECK(name.kind == Answer::Kind::no_name);
  CHECK(name.ttl == 60s);
  CHECK(ask({"host.example.org", Type::srv}).kind == Answer::Kind::no_data);
}

TEST_CASE_FIXTURE(Fixture, "an answer too large for a datagram comes over TCP (RFC 7766)") {
  CHECK(ask({"large.example.org", Type::a}).addresses == std::vector{*parse_ip("192.0.2.4")});
  CHECK(server.stop() == std::vector<std::string>{"large.example.org A udp", "large.example.org A tcp"});
}

TEST_CASE_FIXTURE(Fixture, "a server that fails or is silent is a failure, after the configured tries") {
  CHECK(ask({"broken.example.org", Type::a}).kind == Answer::Kind::failed);
  CHECK(ask(hasty, {"silent.example.org", Type::a}).kind == Answer::Kind::failed);
  CHECK(ask({"example.org", Type::a}).kind == Answer::Kind::found);  // what came before it has been read
  const auto questions = server.stop();
  CHECK(std::ranges::count(questions, "silent.example.org A udp") == 2);
  CHECK(ask(hasty, {"example.org", Type::a}).kind == Answer::Kind::failed);  // the server is gone
}

TEST_CASE_FIXTURE(Fixture, "a loop of aliases and an invalid name are failures") {
  CHECK(ask({"loop.example.org", Type::a}).kind == Answer::Kind::failed);
  CHECK(ask({std::string(70, 'x') + ".example.org", Type::a}).kind == Answer::Kind::failed);
}

TEST_CASE_FIXTURE(Fixture, "many concurrent queries are all answered") {
  std::size_t answered = 0;
  for (int i = 0; i < 200; ++i)
    client.ask({"example.org", i % 2 == 0 ? Type::a : Type::naptr}, [&](const Answer& answer) {
      CHECK(answer.kind == Answer::Kind::found);
      answered++;
    });
  CHECK(loop.run_until([&] { return answered == 200; }, limit));
}

TEST_CASE_FIXTURE(Fixture, "a destroyed client calls no callback") {
  bool called = false;
  {
    DnsClient short_lived(loop, {.servers = {server.address()}, .hosts = {}});
    short_lived.ask({"silent.example.org", Type::a}, [&](const Answer&) { called = true; });
    short_lived.ask({"example.org", Type::a}, [&](const Answer&) { called = true; });
  }
  ask({"example.org", Type::a});
  CHECK_FALSE(called);
}

TEST_CASE("names of the hosts file have its addresses, and no other records") {
  Loop loop;
  const auto file = std::filesystem::temp_directory_path() / ("hosts-" + std::to_string(getpid()));
  std::ofstream(file)
      << "# a comment\n127.0.0.1\tlocalhost\n192.0.2.5 Lab.example lab # mine\n2001:db8::5 lab\nbad line\n";
  DnsClient client(loop, {.servers = {{*parse_ip("127.0.0.1"), 1}}, .hosts = file});
  std::map<Question, Answer> got;
  const Question questions[] = {{"lab.example", Type::a},
                                {"lab", Type::a},
                                {"lab", Type::aaaa},
                                {"lab", Type::naptr},
                                {"_sip._udp.lab", Type::srv}};
  for (const Question& question : questions)
    client.ask(question, [&got, question](const Answer& answer) { got[question] = answer; });
  REQUIRE(loop.run_until([&] { return got.size() == std::size(questions); }, limit));
  CHECK(got[questions[0]].addresses == std::vector{*parse_ip("192.0.2.5")});
  CHECK(got[questions[1]].addresses == std::vector{*parse_ip("192.0.2.5")});
  CHECK(got[questions[2]].addresses == std::vector{*parse_ip("2001:db8::5")});
  CHECK(got[questions[3]].kind == Answer::Kind::no_data);
  CHECK(got[questions[4]].kind == Answer::Kind::no_data);
  std::filesystem::remove(file);
}

TEST_CASE_FIXTURE(Fixture, "a domain's servers are found through the name server (RFC 3263 4)") {
  SeededRandom random(1);
  locate::Finder finder(client, {}, loop.timers(), loop.clock(), random);
  std::optional<locate::Locator::Hops> found;
  finder.locate({.host = "example.org"}, [&](const locate::Locator::Hops& hops) { found = hops; });
  REQUIRE(loop.run_until([&] { return found.has_value(); }, limit));
  REQUIRE(found->has_value());
  REQUIRE((*found)->size() == 2);
  CHECK((*found)->front() == Hop{Protocol::tls, *parse_address("192.0.2.3:5061"), {}, 0, "example.org"});
  CHECK((*found)->back().remote == *parse_address("192.0.2.3:5062"));
}
