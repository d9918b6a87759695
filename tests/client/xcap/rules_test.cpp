#include "client/xcap/rules.hpp"

#include "client/control/cause.hpp"
#include "client/control/command.hpp"
#include "client/xcap/watch_log.hpp"
#include "tests/client/xcap/fake_http.hpp"

using namespace beckon;
using namespace beckon::client;
using beckon::xcap::Method;
using beckon::xcap::Request;
using beckon::xcap::Response;

namespace {

struct Fixture {
  FakeHttp http;
  SeededRandom random{1};
  account::Account account = *account::parse_account("alice@example.org");
  client::xcap::Rules rules{account, "/xcap", http, random};
  std::vector<int> ends;

  void allow(const std::string& watcher) {
    rules.set(watcher, documents::Verdict{documents::SubHandling::allow, ds1::Mode::automatic},
              [this](int status, const std::string&, Now) { ends.push_back(status); });
  }
  void forget(const std::string& watcher) {
    rules.set(watcher, std::nullopt, [this](int status, const std::string&, Now) { ends.push_back(status); });
  }
};

const std::string bob = "sip:bob@example.org";
const std::string carol = "sip:carol@example.org";

std::string header(const Request& request, std::string_view name) {
  return std::string(beckon::xcap::find_header(request.headers, name).value_or(""));
}
bool names(const Request& request, const std::string& watcher) {
  return request.body.find(watcher) != std::string::npos;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "the first rule creates the document, if it does not exist by then (RFC 4825 7.11)") {
  allow(bob);
  const auto get = http.answer(404);
  CHECK(get.method == Method::get);
  CHECK(get.target == "/xcap/pres-rules/users/sip:alice@example.org/index");
  const auto put = http.answer(201);
  CHECK(put.method == Method::put);
  CHECK(header(put, "If-None-Match") == "*");
  CHECK(header(put, "Content-Type") == documents::pres_rules_type);
  CHECK(names(put, bob));
  CHECK(ends == std::vector<int>{201});
}

TEST_CASE_FIXTURE(Fixture,
                  "an edit keeps the rules there are and replaces just that version (RFC 4825 7.11)") {
  allow(bob);
  http.answer(404);
  const std::string document = http.answer(201).body;
  SUBCASE("another watcher is added") {
    allow(carol);
    http.answer(200, "v1", document);
    const auto put = http.answer(200);
    CHECK(header(put, "If-Match") == "\"v1\"");
    CHECK(names(put, bob));
    CHECK(names(put, carol));
  }
  SUBCASE("a watcher is forgotten") {
    forget(bob);
    http.answer(200, "v1", document);
    CHECK_FALSE(names(http.answer(200), bob));
  }
  CHECK(ends == std::vector<int>{201, 200});
}

TEST_CASE_FIXTURE(Fixture,
                  "412: another device wrote in between, so the edit begins again, but not for ever") {
  allow(bob);
  SUBCASE("once") {
    http.answer(404);
    http.answer(412);
    http.answer(404);
    http.answer(201);
    CHECK(ends == std::vector<int>{201});
  }
  SUBCASE("always") {
    for (int tries = 0; tries < 20; ++tries) {
      http.answer(404);
      http.answer(412);
    }
    CHECK(ends == std::vector<int>{412});
  }
  CHECK(http.waiting.empty());
}

TEST_CASE_FIXTURE(Fixture, "401 is answered once a request, and the nonce is used on (RFC 7616 3.4)") {
  allow(bob);
  SUBCASE("the right password") {
    CHECK(header(http.challenge("n1"), "Authorization").empty());
    CHECK(header(http.answer(404), "Authorization").find("nc=00000001") != std::string::npos);
    const auto put = http.answer(201);
    CHECK(header(put, "Authorization").find("nc=00000002") != std::string::npos);
    CHECK(ends == std::vector<int>{201});
  }
  SUBCASE("a wrong one") {
    http.challenge("n1");
    http.challenge("n2");
    CHECK(ends == std::vector<int>{401});
  }
  CHECK(http.waiting.empty());
}

TEST_CASE_FIXTURE(Fixture, "edits are made one after the other, each with its own end") {
  allow(bob);
  allow(carol);
  CHECK(http.waiting.size() == 1);
  http.answer(404);
  http.answer(500);
  CHECK(ends == std::vector<int>{500});
  http.answer(404);
  CHECK(names(http.answer(201), carol));
  CHECK(ends == std::vector<int>{500, 201});
}

TEST_CASE_FIXTURE(Fixture, "an edit asked for by the end of another is made once") {
  rules.set(bob, std::nullopt, [this](int status, const std::string&, Now) {
    ends.push_back(status);
    allow(carol);
  });
  http.answer(404);  // there is no rule to forget, so nothing is written
  CHECK(http.waiting.size() == 1);
  http.answer(404);
  http.answer(201);
  CHECK(ends == std::vector<int>{200, 201});
  CHECK(http.waiting.empty());
}

TEST_CASE_FIXTURE(Fixture, "what cannot be read or reached is reported, and nothing is written") {
  allow(bob);
  SUBCASE("no connection") {
    http.answer(
        Result<Response>(boost::system::errc::make_error_code(boost::system::errc::connection_refused)));
    CHECK(ends == std::vector<int>{0});
  }
  SUBCASE("no rules in it") {
    http.answer(200, "v1", "<html/>");
    CHECK(ends == std::vector<int>{500});
  }
  SUBCASE("forbidden") {
    http.answer(403);
    CHECK(ends == std::vector<int>{403});
  }
  CHECK(http.waiting.empty());
}

TEST_CASE_FIXTURE(Fixture, "a server whose certificate is not trusted is no server that is away") {
  allow(bob);
  http.answer(Result<Response>(client::xcap::Errc::untrusted));
  CHECK(ends == std::vector{control::unproven});
  allow(bob);
  http.answer(
      Result<Response>(boost::system::errc::make_error_code(boost::system::errc::connection_refused)));
  CHECK(ends.back() == 0);
}

TEST_CASE_FIXTURE(Fixture, "the watch log is read with the account's password, and says when it cannot be") {
  client::xcap::WatchLog watch_log(account, "/xcap", http, random);
  std::vector<int> statuses;
  documents::WatchLog last;
  watch_log.read([&](int status, const std::string&, const documents::WatchLog& log, Now) {
    statuses.push_back(status);
    last = log;
  });
  CHECK(http.challenge("n1").target == "/xcap/beckon.watch-log/users/sip:alice@example.org/index");
  const documents::WatchLog log{.entity = "sip:alice@example.org",
                                .lines = {{bob, "all", "open", "2026-11-21T04:00:00Z", ""}}};
  const auto get = http.answer(200, "", print(log));
  CHECK(get.method == Method::get);
  CHECK(header(get, "Authorization").find("n1") != std::string::npos);
  CHECK(last == log);
  documents::WatchLog long_log{.entity = log.entity, .lines = {}};
  for (int i = 0; i < 10'064; ++i) {
    long_log.lines.push_back({"sip:" + std::to_string(i) + std::string(200, 'w') + "@example.org", "all",
                              "open, note, direct offer", "2026-11-21T04:00:00.000Z",
                              "2026-11-21T04:00:00.000Z"});
  }
  watch_log.read([&](int, const std::string&, const documents::WatchLog& read, Now) { last = read; });
  http.answer(200, "", print(long_log));
  CHECK(last.lines.size() == long_log.lines.size());  // 10 000 watchers, and those lines that are over
  const auto again = [&] {
    watch_log.read(
        [&](int status, const std::string&, const documents::WatchLog&, Now) { statuses.push_back(status); });
  };
  again();
  http.answer(200, "", "<rubbish/>");
  again();
  http.answer(403);
  again();
  http.answer(Result<Response>(client::control::Errc::not_json));
  CHECK(statuses == std::vector<int>{200, 500, 403, 0});
}
