#include "client/archive/reader.hpp"

#include "client/control/cause.hpp"
#include "tests/client/xcap/fake_http.hpp"

using namespace beckon;
using namespace beckon::client;
using beckon::xcap::Method;
using beckon::xcap::Request;
using beckon::xcap::Response;
using documents::MessageArchive;

namespace {

struct Fixture {
  FakeHttp http;
  SeededRandom random{1};
  account::Account account = *account::parse_account("alice@example.org");
  client::archive::Reader reader{account, "/xcap", http, random};
  std::vector<int> statuses;
  MessageArchive last;

  auto take() {
    return [this](int status, const std::string&, const MessageArchive& archive, Now) {
      statuses.push_back(status);
      last = archive;
    };
  }
};

const std::string mine = "/history/users/sip:alice@example.org";

}  // namespace

TEST_CASE_FIXTURE(Fixture, "pages, changes, marks and erasures are asked for beside the XCAP root") {
  reader.page({.with = "sip:bob@example.org", .since = "2026-11-21T04:00:00Z", .limit = "7"}, take());
  const MessageArchive page{.to = 9};
  const auto get = http.answer(200, "", print(page));
  CHECK(get.method == Method::get);
  CHECK(get.target == mine + "?with=sip:bob@example.org&since=2026-11-21T04:00:00Z&limit=7");
  CHECK(last == page);
  reader.changes(17, take());
  CHECK(http.answer(200, "", print(page)).target == mine + "?after=17");
  reader.set_displayed({.number = "5"}, take());
  const auto put = http.answer(200);
  CHECK(put.method == Method::put);
  CHECK(put.target == mine + "?number=5&state=displayed");
  reader.erase({}, take());
  const auto erased = http.answer(200);
  CHECK(erased.method == Method::del);
  CHECK(erased.target == mine);
  reader.keep(false, take());
  CHECK(http.answer(200).target == mine + "?keep=no");
  CHECK(statuses == std::vector<int>{200, 200, 200, 200, 200});
}

TEST_CASE_FIXTURE(Fixture, "a root that is further down has the archives beside it") {
  client::archive::Reader deep(account, "/sip/xcap", http, random);
  deep.erase({}, take());
  CHECK(http.answer(200).target == "/sip" + mine);
  client::archive::Reader bare(account, "", http, random);
  bare.erase({}, take());
  CHECK(http.answer(200).target == mine);
}

TEST_CASE_FIXTURE(Fixture, "what cannot be had says why") {
  for (const unsigned status : {403U, 404U, 503U}) {
    reader.page({}, take());
    http.answer(status, "", print(MessageArchive{.to = 9}));
  }
  CHECK(last == MessageArchive{});
  reader.page({}, take());
  http.answer(200, "", "<rubbish/>");
  reader.page({}, take());
  http.answer(Result<Response>(ErrorCode(client::xcap::Errc::untrusted)));
  CHECK(statuses == std::vector<int>{403, 404, 503, 500, control::unproven});
}
