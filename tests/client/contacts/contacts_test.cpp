#include "client/contacts/contacts.hpp"

#include "client/contacts/services.hpp"
#include "tests/client/xcap/fake_http.hpp"

using namespace beckon;
using namespace beckon::client;
using beckon::xcap::Method;
using contacts::Contacts;

namespace {

const std::string bob = "sip:bob@example.org", carol = "sip:carol@example.org";

struct Fixture {
  FakeHttp http;
  SeededRandom random{1};
  account::Account account = *account::parse_account("alice@example.org");
  Contacts book{account, {.origin = "https://example.org:5443", .root = "/xcap"}, http, random};
  std::vector<int> ends;
  std::string reason, found;

  Contacts::Done end() {
    return [this](int status, const std::string& why, Now) {
      ends.push_back(status);
      reason = why;
    };
  }
  void find(const std::string& group, const std::string& package = "presence") {
    book.find_service(group, package,
                      [this](int status, const std::string& why, const std::string& uri, Now) {
                        ends.push_back(status);
                        reason = why;
                        found = uri;
                      });
  }
  std::string header(const FakeHttp::Request& request, std::string_view name) const {
    return std::string(beckon::xcap::find_header(request.headers, name).value_or(""));
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "two devices edit the book at once: 412, the edit begins again, nothing is lost") {
  book.add(bob, "Bob", std::nullopt, end());
  http.answer(404);
  const auto lost = http.answer(412);
  CHECK(lost.target == "/xcap/resource-lists/users/sip:alice@example.org/index");
  CHECK(header(lost, "If-None-Match") == "*");
  const std::string others = *contacts::add_contact("", carol, std::nullopt, std::nullopt);
  http.answer(200, "v1", others);
  const auto put = http.answer(200);
  CHECK(header(put, "If-Match") == "\"v1\"");
  CHECK(header(put, "Content-Type") == "application/resource-lists+xml");
  CHECK(contacts::read_book(put.body)->at(0).contacts ==
        std::vector<contacts::Contact>{{carol, ""}, {bob, "Bob"}});
  CHECK(ends == std::vector<int>{200});
}

TEST_CASE_FIXTURE(Fixture, "the other device has added the same contact meanwhile: nothing is written") {
  book.add(bob, std::nullopt, std::nullopt, end());
  http.answer(404);
  http.answer(412);
  http.answer(200, "v1", *contacts::add_contact("", bob, std::nullopt, std::nullopt));
  CHECK(http.waiting.empty());
  CHECK(ends == std::vector<int>{200});
}

TEST_CASE_FIXTURE(Fixture, "without the server nothing is changed, and the reason says so") {
  const auto refused = boost::system::errc::make_error_code(boost::system::errc::connection_refused);
  book.remove(bob, std::nullopt, end());
  http.answer(Result<FakeHttp::Response>(refused));
  CHECK(reason == "the address book cannot be reached, nothing is changed: Connection refused");
  book.add(bob, std::nullopt, std::nullopt, end());
  http.answer(404);
  http.answer(Result<FakeHttp::Response>(refused));
  CHECK(reason == "it is not known whether the address book changed: Connection refused");
  CHECK(ends == std::vector<int>{0, 0});
}

TEST_CASE_FIXTURE(Fixture, "what there is not is 404, what cannot be is 409, what is no book 500") {
  book.remove(bob, std::nullopt, end());
  http.answer(404);
  book.set_group("a//b", std::nullopt, end());
  http.answer(404);
  book.set_group("a", std::nullopt, end());
  http.answer(200, "v1", "<html/>");
  CHECK(ends == std::vector<int>{404, 409, 500});
  CHECK(http.waiting.empty());
}

TEST_CASE_FIXTURE(Fixture, "a group gets the address of a service, made once (RFC 4826 4)") {
  const std::string text = *contacts::add_contact("", bob, std::nullopt, "My friends");
  find("My friends");
  http.answer(200, "v1", text);
  CHECK(http.answer(404).target == "/xcap/rls-services/users/sip:alice@example.org/index");
  const auto put = http.answer(201);
  CHECK(found == "sip:alice.my-friends@example.org");
  CHECK(put.body.find("https://example.org:5443/xcap/resource-lists/users/sip:alice@example.org/index/~~/"
                      "resource-lists/list%5B@name=%22contacts%22%5D/list%5B@name=%22My%20friends%22%5D") !=
        std::string::npos);
  // Next time it is found.
  find("My friends", "dialog");
  http.answer(200, "v1", text);
  http.answer(200, "v1", put.body);
  CHECK(http.waiting.empty());
  CHECK(found == "sip:alice.my-friends@example.org");
  CHECK(ends == std::vector<int>{201, 200});
}

TEST_CASE_FIXTURE(Fixture, "an address that somebody has is left to them") {
  find("contacts");
  http.answer(200, "v1", *contacts::add_contact("", bob, std::nullopt, std::nullopt));
  http.answer(404);
  http.answer(409);
  http.answer(404);
  http.answer(201);
  CHECK(found.starts_with("sip:alice.contacts."));
  find("family");
  http.answer(404);
  CHECK(ends == std::vector<int>{201, 404});
}

TEST_CASE("a service of other packages, or of another list, is not the one") {
  const std::string list =
      "https://a.example/xcap/resource-lists/users/sip:alice@example.org/index/~~/"
      "resource-lists/list%5b@name=%22friends%22%5d";
  const std::string services =
      "<rls-services xmlns=\"urn:ietf:params:xml:ns:rls-services\"><service uri=\"sip:f@example.org\">"
      "<resource-list>" +
      list +
      "</resource-list><packages><package>presence</package></packages></service>"
      "</rls-services>";
  CHECK(*contacts::find_service(services, list, "/xcap", "presence") == "sip:f@example.org");
  CHECK(contacts::find_service(services, list, "/xcap", "dialog")->empty());
  CHECK(contacts::find_service(services, list + "/x", "/xcap", "presence")->empty());
  CHECK_FALSE(contacts::add_service(services, "sip:f@example.org", list).has_value());
  CHECK_FALSE(contacts::find_service("<x/>", list, "/xcap", "presence").has_value());
}
