#include "server/http/server.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

#include "protocol/base/random.hpp"
#include "protocol/base/text.hpp"
#include "protocol/locate/finder.hpp"
#include "protocol/net/dns_client.hpp"
#include "protocol/net/https_client.hpp"
#include "tests/protocol/net/support.hpp"

using namespace beckon;
using namespace beckon::http;
using net::test::limit;
using net::test::loopback;

namespace {

/// A server that keeps documents, and a client on the same loop.
struct Fixture {
  Fixture() : Fixture(HttpLimits{}) {}
  explicit Fixture(HttpLimits limits)
      : server(
            loop, "beckond/test",
            [this](HttpRequest request, Respond respond) { handle(std::move(request), std::move(respond)); },
            limits),
        address(server.listen(loopback, trust.server).value()),
        plain(server.listen(loopback, nullptr).value()) {}

  void handle(HttpRequest request, Respond respond) {
    seen.push_back(request);
    if (request.target == "/never") return;
    if (request.target == "/elsewhere") return std::thread([dropped = std::move(respond)] {}).join();
    if (request.target == "/hold") return void(held = std::move(respond));
    if (request.method == "PUT") {
      document = request.body;
      return respond({.status = 201, .headers = {{"ETag", "\"1\""}, {"X", "a\r\nY: b"}}});
    }
    respond({.status = 200, .headers = {{"Content-Type", "text/plain"}}, .body = document});
  }

  std::string url(std::string_view path) const {
    return "https://localhost:" + std::to_string(address.port) + std::string(path);
  }

  Result<net::HttpsResponse> ask(net::HttpsRequest request) {
    std::optional<Result<net::HttpsResponse>> answer;
    client.request(std::move(request), [&](Result<net::HttpsResponse> got) { answer = std::move(got); });
    CHECK_FALSE(answer);
    REQUIRE(loop.run_until([&] { return answer.has_value(); }, limit));
    return *answer;
  }

  /// Writes octets over a plain connection and gives what came until `done` or the end.
  std::string talk(const std::string& octets, const std::function<bool(const std::string&)>& done) {
    std::string got;
    bool closed = false;
    net::ChannelPtr channel;
    net::dial(
        loop,
        {.remote = plain, .tls = nullptr, .server_name = {}, .identity = net::Identity::https, .limits = {}},
        [&](Result<net::ChannelPtr> opened) {
          channel = opened.value();
          channel->start({.on_octets = [&](std::string_view more) { got += more; },
                          .on_closed = [&](ErrorCode) { closed = true; }});
          channel->send(share(octets));
        });
    CHECK(loop.run_until([&] { return closed || done(got); }, limit));
    if (!closed) channel->close(net::Errc::closed);
    CHECK(loop.run_until([&] { return closed; }, limit));
    return got;
  }

  net::test::Trust trust;
  net::Loop loop;
  SeededRandom random{1};
  net::DnsClient dns{loop};
  locate::Finder finder{dns, {}, loop.timers(), loop.clock(), random};
  net::HttpsClient client{loop, trust.client, finder};
  std::vector<HttpRequest> seen;
  std::string document = "nothing";
  Respond held;
  HttpServer server;
  Address address, plain;
};

bool never(const std::string&) { return false; }

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + what.size()))
    ++found;
  return found;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a document put over HTTPS is read back") {
  const std::string text(300000, 'd');
  const auto put = ask({.method = "PUT",
                        .url = url("/xcap/a%20b?c=d"),
                        .headers = {{"Content-Type", "text/plain"}},
                        .body = text});
  REQUIRE(put.has_value());
  CHECK(put->status == 201);
  CHECK(put->header("etag") == "\"1\"");
  CHECK(put->header("y").empty());  // a handler's value cannot make a header
  CHECK(put->header("server") == "beckond/test");
  CHECK(seen.front().target == "/xcap/a%20b?c=d");
  CHECK(seen.front().header("content-type") == "text/plain");
  CHECK(seen.front().secure);
  CHECK(seen.front().peer.ip == loopback.ip);

  const auto got = ask({.url = url("/xcap")});
  REQUIRE(got.has_value());
  CHECK(got->status == 200);
  CHECK(got->body == text);

  const auto head = ask({.method = "HEAD", .url = url("/xcap")});
  REQUIRE(head.has_value());
  CHECK(head->header("Content-Length") == "300000");
  CHECK(head->body.empty());
}

TEST_CASE_FIXTURE(Fixture,
                  "the client refuses wrong names, wrong schemes, header injection and large bodies") {
  document = std::string(1000, 'x');
  const std::string port = std::to_string(address.port);
  CHECK(ask({.url = "http://localhost/"}).error() == net::Errc::bad_url);
  CHECK(ask({.url = "https://user@localhost/"}).error() == net::Errc::bad_url);
  CHECK(ask({.url = "https://localhost:99999/"}).error() == net::Errc::bad_url);
  CHECK(ask({.url = url("/a\r\nX: y")}).error() == net::Errc::bad_url);
  CHECK(ask({.url = url("/"), .headers = {{"A", "b\r\nC: d"}}}).error() == net::Errc::bad_url);
  CHECK(ask({.url = "https://other.localhost:" + port + "/"}).error() == net::Errc::wrong_name);
  CHECK(ask({.url = "https://nobody.invalid/"}).error() == locate::Errc::no_address);
  CHECK(ask({.url = url("/"), .body_limit = 999}).error() == net::Errc::too_large);
  CHECK(ask({.url = url("/"), .body_limit = 1000}).has_value());
}

TEST_CASE_FIXTURE(Fixture, "an answer that does not come is timed out; a request that is dropped gets 500") {
  CHECK(ask({.url = url("/hold"), .timeout = 30ms}).error() == net::Errc::timed_out);
  CHECK(ask({.url = url("/never")})->status == 500);
  CHECK(ask({.url = url("/elsewhere")})->status == 500);  // dropped by another thread
  bool called = false;
  {
    net::HttpsClient other(loop, trust.client, finder);
    other.request({.url = url("/")}, [&](auto) { called = true; });
  }
  CHECK(ask({.url = url("/")})->status == 200);
  CHECK_FALSE(called);
}

TEST_CASE_FIXTURE(Fixture,
                  "a connection is kept, and pipelined requests are answered in order (RFC 9112 9.3)") {
  const std::string get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string got =
      talk(get + get + get, [](const std::string& text) { return count(text, "nothing") == 3; });
  CHECK(count(got, "HTTP/1.1 200 OK") == 3);
  CHECK(server.connections() == 0);
  CHECK_FALSE(seen.front().secure);
}

TEST_CASE_FIXTURE(Fixture, "a client that sends requests and reads no answers has few of them queued") {
  document = std::string(1 << 20, 'd');
  std::string requests;
  for (int i = 0; i < 200; ++i) requests += "GET /unread HTTP/1.1\r\nHost: x\r\n\r\n";
  net::ChannelPtr channel;
  bool closed = false;
  std::size_t got = 0;
  net::dial(
      loop,
      {.remote = plain, .tls = nullptr, .server_name = {}, .identity = net::Identity::https, .limits = {}},
      [&](Result<net::ChannelPtr> opened) {
        channel = opened.value();
        channel->pause();
        channel->start({.on_octets = [&](std::string_view more) { got += more.size(); },
                        .on_closed = [&](ErrorCode) { closed = true; }});
        channel->send(share(requests));
      });
  CHECK(loop.run_until([&] { return !seen.empty(); }, limit));
  const auto unread = [&] {
    return std::ranges::count_if(seen, [](const HttpRequest& each) { return each.target == "/unread"; });
  };
  // Others are served meanwhile, and in each of their turns the first client's next requests could be.
  for (int i = 0; i < 100; ++i) CHECK(ask({.url = url("/other")})->status == 200);
  CHECK(unread() < 50);
  // What it reads makes room for the next.
  channel->resume();
  CHECK(loop.run_until([&] { return unread() == 200 && got > (std::size_t{200} << 20); }, limit));
  channel->close(net::Errc::closed);
  CHECK(loop.run_until([&] { return closed; }, limit));
}

TEST_CASE_FIXTURE(Fixture,
                  "what two readers may take for different requests is answered 400 (RFC 9112 3.2, 6.1)") {
  const std::string body = "\r\n\r\n0\r\n\r\n";
  for (const std::string& head :
       {std::string("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity"),
        std::string("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked"),
        std::string("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked"),
        std::string("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
        std::string("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5"),
        std::string("PUT / HTTP/1.0\r\nTransfer-Encoding: chunked"),
        std::string("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked"),
        std::string("PUT / HTTP/1.1\r\nHost: x\r\nHost: y\r\nTransfer-Encoding: chunked")}) {
    CAPTURE(head);
    const std::string got = talk(head + body, never);
    CHECK(got.starts_with("HTTP/1.1 400 "));
    CHECK(count(got, "HTTP/1.1 ") == 1);
  }
  CHECK(seen.empty());
}

TEST_CASE_FIXTURE(Fixture, "a later answer reaches the request it is for") {
  std::string got;
  loop.timers().set(loop.now().mono + 20ms, [&](Time) { held({.status = 204}); });
  got = talk("GET /hold HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
             never);
  CHECK(got.find("204") < got.find("200 OK"));
  held({.status = 200});  // a second answer is ignored
}

TEST_CASE("requests past the limits are answered 431, 413 and 408, and the connection is closed") {
  Fixture http(HttpLimits{.header = 1000, .body = 100, .request = 50ms});
  struct Row {
    std::string request, status;
  };
  const Row rows[] = {
      {"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nConnection: close\r\n\r\n" +
           std::string(100, 'x'),
       "201"},
      {"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n" + std::string(101, 'x'), "413"},
      {"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'x') +
           "\r\n0\r\n\r\n",
       "413"},
      {"GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(1000, 'x') + "\r\n\r\n", "431"},
      {"GET / HTTP/1.1\r\nHost: x\r\n", "408"},
      {"NOTIFY sip:a SIP/2.0\r\n\r\n", "400"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.request);
    const std::string got = http.talk(row.request, never);
    CHECK(got.substr(0, 12) == "HTTP/1.1 " + row.status);
    CHECK(got.find("Connection: close") != std::string::npos);
  }
}

TEST_CASE_FIXTURE(Fixture, "Expect: 100-continue is answered before the body (RFC 9110 10.1.1)") {
  const std::string head =
      "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
  const auto has_continue = [](const std::string& text) { return text == "HTTP/1.1 100 Continue\r\n\r\n"; };
  CHECK(has_continue(talk(head, has_continue)));
}

TEST_CASE_FIXTURE(Fixture, "a server that ends closes its connections, answered or not") {
  ErrorCode error;
  {
    std::vector<Respond> waiting;
    HttpServer second(loop, "x",
                      [&](HttpRequest, Respond respond) { waiting.push_back(std::move(respond)); });
    const Address there = second.listen(loopback, trust.server).value();
    CHECK(second.listen(there, nullptr).error() == boost::system::errc::address_in_use);
    client.request({.url = "https://localhost:" + std::to_string(there.port) + "/"},
                   [&](Result<net::HttpsResponse> answer) { error = answer.error(); });
    CHECK(loop.run_until([&] { return waiting.size() == 1; }, limit));
    CHECK(second.connections() == 1);
  }
  CHECK(loop.run_until([&] { return bool(error); }, limit));
  CHECK(ask({.url = url("/")})->status == 200);
}

TEST_CASE_FIXTURE(Fixture, "half requests hold no more than their bound; one too many is answered 503") {
  loop.unfinished().set_limit(20000);
  const std::string head = "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
  CHECK(talk(head + std::string(50000, 'x'), never).starts_with("HTTP/1.1 503 "));
  CHECK(seen.empty());
  CHECK(loop.unfinished().octets() == 0);
  CHECK(loop.unfinished().closed() == 1);
  CHECK(ask({.method = "PUT", .url = url("/"), .body = std::string(5000, 'x')})->status == 201);
}
