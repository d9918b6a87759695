#include "server/packages/xcap_diff.hpp"

#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using Item = documents::XcapDiff::Item;
using ItemKind = Item::Kind;

namespace {

const std::string alices = "/users/sip:alice@example.org/";
const std::string lists_sel = "resource-lists" + alices + "index";
const std::string rules_sel = "pres-rules" + alices + "index";
const std::string caps_sel = "xcap-caps/global/index";

std::string lists(const std::string& inside) {
  return "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\">\n" + inside + "</resource-lists>";
}
std::string list(const std::string& name, const std::string& inside = "") {
  return "  <list name=\"" + name + "\">" + inside + "</list>\n";
}

/// A stage with the package.
class Desk {
 public:
  Desk()
      : stage(Stage::default_settings(), [this](Stage& started, subscription::Packages& packages) {
          package = &packages.add<packages::XcapDiff>(*started.documents);
        }) {}

  /// PUT, or DELETE without `text`; the entity-tag then.
  std::string write(const std::string& sel, const std::string& text, unsigned status = 200,
                    const std::string& who = alice) {
    beckon::xcap::Request request;
    request.method = text.empty() ? beckon::xcap::Method::del : beckon::xcap::Method::put;
    request.target = "/xcap/" + sel;
    const bool is_part = sel.find("~~") != sel.npos;
    const char* const type = is_part                     ? "application/xcap-el+xml"
                             : sel.starts_with("resour") ? "application/resource-lists+xml"
                                                         : "application/auth-policy+xml";
    request.headers = {{"Content-Type", type}};
    request.body = text;
    beckon::xcap::Response answer;
    stage.documents->handle(request, {who, true},
                            [&](beckon::xcap::Response response) { answer = std::move(response); });
    stage.settle();
    CHECK(answer.status == status);
    return answer.etag;
  }
  std::string put_lists(const std::string& inside, unsigned status = 200) {
    return write(lists_sel, lists(inside), status);
  }

  /// Takes the NOTIFY that is there.
  std::vector<Item> take(int status = 200) {
    const auto notified = stage.take(status);
    body = std::string(notified.message.body());
    CHECK(notified.message.header(sip::HeaderId::event) == "xcap-diff");
    CHECK(notified.message.header(sip::HeaderId::content_type) == documents::xcap_diff_type);
    tag = std::string(notified.message.header(sip::HeaderId::sip_etag));
    const auto diff = documents::parse_xcap_diff(body);
    REQUIRE(diff.has_value());
    CHECK(diff->root == "https://example.org/xcap/");
    return diff->items;
  }
  /// The next one, once the pace lets it.
  std::vector<Item> next() {
    stage.wait(5s);
    return take();
  }

  packages::XcapDiff* package = nullptr;
  Stage stage;
  std::string body, tag;
};

/// The same device twice is one that has two dialogs.
struct Phone : Device {
  Phone(Stage& stage, transaction::FlowId flow = 9) : Device(stage, alice, tls(flow)), stage_(stage) {}

  /// `entries`: of its list; none: it carries no list.
  int follow(const std::vector<std::string>& entries, const std::string& mode = {},
             std::vector<std::string> lines = {}) {
    event = "xcap-diff" + (mode.empty() ? "" : ";diff-processing=" + mode);
    lines.push_back("Event: " + event);
    const auto& answer = stage_.answer(send("SUBSCRIBE", alice, lines_for(entries, lines), list_of(entries)));
    to = std::string(answer.header(sip::HeaderId::to));
    return answer.status();
  }
  int again(const std::vector<std::string>& entries, const std::string& mode = {},
            std::vector<std::string> lines = {}) {
    lines.push_back("Event: xcap-diff" + (mode.empty() ? "" : ";diff-processing=" + mode));
    return stage_.answer(send("SUBSCRIBE", to, lines_for(entries, lines), list_of(entries))).status();
  }

  static std::string list_of(const std::vector<std::string>& entries) {
    if (entries.empty()) return {};
    std::string text = "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"><list>";
    for (const std::string& each : entries) text += "<entry uri=\"" + each + "\"/>";
    return text + "</list></resource-lists>";
  }
  static std::vector<std::string> lines_for(const std::vector<std::string>& entries,
                                            std::vector<std::string> lines) {
    if (!entries.empty()) lines.push_back("Content-Type: application/resource-lists+xml");
    return lines;
  }

  std::string event, to;
  Stage& stage_;
};

Item change(const std::string& sel, const std::string& before, const std::string& after) {
  return {.sel = sel, .previous_etag = before, .new_etag = after};
}

}  // namespace

TEST_CASE("a device hears of each document that comes, changes and goes, by its entity-tags (RFC 5875 A)") {
  Desk desk;
  const std::string first = desk.put_lists(list("a"), 201);
  Phone phone(desk.stage);
  CHECK(phone.follow({"resource-lists" + alices}) == 200);
  CHECK(desk.take() == std::vector{change(lists_sel, "", first)});
  const std::string second = desk.put_lists(list("b"));
  CHECK(desk.next() == std::vector{change(lists_sel, first, second)});
  const std::string other = desk.write("resource-lists" + alices + "other", lists(""), 201);
  CHECK(desk.next() == std::vector{change("resource-lists" + alices + "other", "", other)});
  desk.write(lists_sel, "");
  CHECK(desk.next() == std::vector{change(lists_sel, second, "")});
  CHECK(desk.put_lists(list("b"), 201) != second);
  CHECK(desk.next().front().previous_etag.empty());
  // Neither the same document again nor one of another collection is news.
  desk.put_lists(list("b"));
  desk.write(rules_sel, rule_for(bob, "allow"), 201);
  desk.stage.wait(60s);
  CHECK(desk.stage.notifies.empty());
}

TEST_CASE("changes within five seconds come together; without a list all of the own documents are followed") {
  Desk desk;
  Phone phone(desk.stage);
  CHECK(phone.follow({}) == 200);
  const auto all = desk.take();
  REQUIRE(all.size() == 1);
  CHECK(all.front().sel == caps_sel);
  const std::string etag_lists = desk.put_lists(list("a"), 201);
  desk.write(rules_sel, rule_for(bob, "allow"), 201);
  const std::string etag_rules = desk.write(rules_sel, rule_for(bob, "block"));
  CHECK(desk.stage.notifies.empty());
  CHECK(desk.next() == std::vector{change(rules_sel, "", etag_rules), change(lists_sel, "", etag_lists)});
}

TEST_CASE("nobody follows another user's documents, and a list does not bring them in (RFC 5875 4.7)") {
  Desk desk;
  desk.put_lists(list("a"), 201);
  CHECK(Device(desk.stage, bob, tls(8)).subscribe(alice, "xcap-diff").status() == 403);
  desk.write("resource-lists/users/sip:bob@example.org/index", lists(""), 201, bob);
  Phone phone(desk.stage);
  CHECK(phone.follow({"resource-lists/users/sip:bob@example.org/",
                      "resource-lists/users/sip:bob@example.org/index",
                      "resource-lists/users/sip:bob@example.org/index/~~/*"}) == 200);
  CHECK(desk.take().empty());
  desk.write("resource-lists/users/sip:bob@example.org/index", lists(list("b")), 200, bob);
  desk.stage.wait(60s);
  CHECK(desk.stage.notifies.empty());
}

TEST_CASE("with xcap-patching every version is told, with aggregate one patch for all (RFC 5875 4.3, A.4)") {
  for (const bool all : {true, false}) {
    CAPTURE(all);
    Desk desk;
    std::vector<std::string> etags{desk.put_lists(list("a"), 201)};
    Phone phone(desk.stage);
    phone.follow({lists_sel}, all ? "xcap-patching" : "Aggregate");
    desk.take();
    etags.push_back(desk.put_lists(list("a") + list("b")));
    etags.push_back(desk.put_lists(list("b")));
    etags.push_back(desk.put_lists(list("b", "<entry uri=\"sip:bob@example.org\"/>")));
    const auto items = desk.next();
    REQUIRE(items.size() == (all ? 3U : 1U));
    std::string text = lists(list("a"));
    for (std::size_t i = 0; i < items.size(); ++i) {
      CHECK(items[i].previous_etag == etags[i]);
      CHECK(items[i].new_etag == (all ? etags[i + 1] : etags.back()));
      CHECK(items[i].has_patch);
      const auto patched = documents::apply_patch(desk.body, i, text);
      REQUIRE(patched.has_value());
      text = *patched;
    }
    CHECK(text == lists(list("b", "<entry uri=\"sip:bob@example.org\"/>")));
  }
}

TEST_CASE("a patch is looked for once for all devices of a user") {
  Desk desk;
  desk.put_lists(list("a"), 201);
  Phone phone(desk.stage, 1), tablet(desk.stage, 2);
  for (Phone* each : {&phone, &tablet}) {
    each->follow({}, "aggregate");
    desk.take();
  }
  desk.put_lists(list("b"));
  desk.stage.wait(5s);
  const auto first = desk.take();
  CHECK(desk.take() == first);
  CHECK(first.front().has_patch);
  CHECK(desk.package->differences() == 1);
}

TEST_CASE("a document that says the same under a new entity-tag is told so, one too long has no patch") {
  Desk desk;
  const std::string first = desk.put_lists(list("a"), 201);
  Phone phone(desk.stage);
  phone.follow({lists_sel}, "aggregate");
  desk.take();
  desk.write(lists_sel, "");
  const std::string second = desk.put_lists(list("a"), 201);
  const Item same{.sel = lists_sel, .previous_etag = first, .new_etag = second, .is_unchanged = true};
  CHECK(desk.next() == std::vector{same});
  std::string large;
  for (int i = 0; large.size() < (200U << 10); ++i) large += list("list " + std::to_string(i));
  const std::string third = desk.put_lists(large);
  CHECK(desk.next() == std::vector{change(lists_sel, second, third)});
  const std::string fourth = desk.put_lists(large + list("last"));
  const auto last = desk.next();
  CHECK(last.front().new_etag == fourth);
  CHECK(last.front().has_patch);
  const std::string fifth = desk.put_lists(list("a"));
  CHECK(desk.next().front().new_etag == fifth);
  desk.put_lists(list("b"));
  CHECK(desk.next().front().has_patch);
}

TEST_CASE(
    "elements and attributes are shown when they come and change, and told when they go (RFC 5875 A.5)") {
  Desk desk;
  const std::string name = lists_sel + "/~~/*/list%5b2%5d/@name", element = lists_sel + "/~~/*/list%5b1%5d";
  Phone phone(desk.stage);
  CHECK(phone.follow({name, element, element}) == 200);
  CHECK(desk.take().empty());
  desk.put_lists(list("a"), 201);
  const Item shown{.kind = ItemKind::element,
                   .sel = element,
                   .content = "<list xmlns=\"urn:ietf:params:xml:ns:resource-lists\" name=\"a\"></list>"};
  CHECK(desk.next() == std::vector{shown});
  desk.put_lists(list("a") + list("&lt;b"));
  const Item attribute{.kind = ItemKind::attribute, .sel = name, .content = "<b"};
  CHECK(desk.next() == std::vector{attribute});
  CHECK(phone.again({}) == 200);
  CHECK(desk.take() == std::vector{shown, attribute});
  // Another part of the document is no news.
  desk.put_lists(list("a") + list("&lt;b") + list("c"));
  desk.stage.wait(60s);
  CHECK(desk.stage.notifies.empty());
  desk.write(lists_sel, "");
  const Item gone{.kind = ItemKind::attribute, .sel = name, .exists = false};
  CHECK(desk.next() == std::vector{gone, Item{.kind = ItemKind::element, .sel = element, .exists = false}});
}

TEST_CASE("a document named itself is not repeated as a member of a collection") {
  Desk desk;
  const std::string etag = desk.put_lists(list("a"), 201);
  const std::string by_host = "https://example.org/xcap/resource-lists/users/alice@example.org/index";
  Phone phone(desk.stage);
  CHECK(phone.follow({"resource-lists/", by_host, "resource-lists/"}) == 200);
  CHECK(desk.take() == std::vector{change("resource-lists/users/alice@example.org/index", "", etag)});
}

TEST_CASE("a refresh may name another list and mode; without a list the former one goes on (RFC 5875 4.4)") {
  Desk desk;
  const std::string etag_lists = desk.put_lists(list("a"), 201);
  const std::string etag_rules = desk.write(rules_sel, rule_for(bob, "allow"), 201);
  Phone phone(desk.stage);
  phone.follow({lists_sel});
  CHECK(desk.take() == std::vector{change(lists_sel, "", etag_lists)});
  CHECK(phone.again({rules_sel}, "aggregate") == 200);
  CHECK(desk.take() == std::vector{change(rules_sel, "", etag_rules)});
  CHECK(phone.again({}, "aggregate") == 200);
  CHECK(desk.take() == std::vector{change(rules_sel, "", etag_rules)});
  desk.put_lists(list("b"));
  desk.write(rules_sel, rule_for(bob, "block"));
  const auto items = desk.next();
  REQUIRE(items.size() == 1);
  CHECK(items.front().has_patch);
  CHECK(phone.again({lists_sel, std::string(5000, 'x')}) == 200);
  CHECK(desk.take().size() == 1);
}

TEST_CASE(
    "a conditional refresh is answered 204 while nothing has changed, in whatever order (RFC 5875 A.6)") {
  Desk desk;
  const std::string etag = desk.put_lists(list("a"), 201);
  Phone phone(desk.stage);
  phone.follow({lists_sel, caps_sel}, "xcap-patching");
  desk.take();
  const std::string known = desk.tag;
  CHECK_FALSE(known.empty());
  CHECK(phone.again({caps_sel, lists_sel}, "aggregate", {"Suppress-If-Match: " + known}) == 204);
  CHECK(desk.stage.notifies.empty());
  // What follows builds upon the state that the device named.
  const std::string next = desk.put_lists(list("b"));
  const auto items = desk.next();
  REQUIRE(items.size() == 1);
  CHECK(items.front().previous_etag == etag);
  CHECK(items.front().new_etag == next);
  CHECK(items.front().has_patch);
  CHECK(desk.tag != known);
  CHECK(phone.again({lists_sel, caps_sel}, "aggregate", {"Suppress-If-Match: " + known}) == 200);
  CHECK(desk.take().size() == 2);
  // Another list is another state.
  CHECK(phone.again({lists_sel}, "aggregate", {"Suppress-If-Match: " + desk.tag}) == 200);
  CHECK(desk.take().size() == 1);
}

TEST_CASE("after a NOTIFY that was lost, a lost connection and a restart everything is told anew") {
  Desk desk;
  desk.put_lists(list("a"), 201);
  Phone phone(desk.stage);
  phone.follow({lists_sel}, "aggregate");
  desk.take();
  std::string etag = desk.put_lists(list("b"));
  desk.stage.wait(5s);
  desk.take(408);
  etag = desk.put_lists(list("c"));
  desk.stage.wait(30s);
  CHECK(desk.take() == std::vector{change(lists_sel, "", etag)});

  desk.stage.close_flow(9);
  etag = desk.put_lists(list("d"));
  desk.stage.wait(60s);
  CHECK(desk.stage.notifies.empty());
  phone.move(tls(10));
  CHECK(phone.again({}, "aggregate") == 200);
  CHECK(desk.take() == std::vector{change(lists_sel, "", etag)});

  desk.stage.restart();
  phone.move(tls(11));
  CHECK(phone.again({}, "aggregate") == 200);
  CHECK(desk.take() == std::vector{change(lists_sel, "", etag)});
  const std::string last = desk.put_lists(list("e"));
  const auto items = desk.next();
  REQUIRE(items.size() == 1);
  CHECK(items.front().previous_etag == etag);
  CHECK(items.front().new_etag == last);
  CHECK(items.front().has_patch);
}

TEST_CASE(
    "a device that is slow gets the newest, and with xcap-patching all that was between, within bounds") {
  Desk desk;
  desk.put_lists(list("a"), 201);
  Phone phone(desk.stage);
  phone.follow({lists_sel}, "xcap-patching");
  const auto held = desk.stage.take(0);
  for (int i = 0; i < 10; ++i) desk.put_lists(list("v" + std::to_string(i)));
  desk.stage.wait(5s);
  CHECK(desk.stage.notifies.empty());
  desk.stage.answer_notify(held, 200);
  CHECK(desk.next().size() == 10);
  // The pace is over: this one leaves at once, and the next ones wait for its answer.
  const std::string before = desk.put_lists(list("w"));
  const auto again = desk.stage.take(0);
  std::string last;
  for (int i = 0; i < 40; ++i) last = desk.put_lists(list("x" + std::to_string(i)));
  desk.stage.answer_notify(again, 200);
  const auto items = desk.next();
  CHECK(items.size() < 34);
  CHECK(items.front().previous_etag == before);
  CHECK_FALSE(items.front().has_patch);
  for (std::size_t i = 1; i < items.size(); ++i) CHECK(items[i].previous_etag == items[i - 1].new_etag);
  CHECK(items.back().new_etag == last);
  desk.put_lists(list("z"));
  CHECK(desk.next().front().has_patch);
}

TEST_CASE("over UDP a NOTIFY stays within a datagram: what does not fit is fetched") {
  Desk desk;
  Phone phone(desk.stage);
  phone.move(udp(5070));
  phone.follow({lists_sel, lists_sel + "/~~/*"}, "aggregate");
  desk.take();
  std::string large;
  for (int i = 0; large.size() < (100U << 10); ++i) large += list("list " + std::to_string(i));
  desk.put_lists(large, 201);
  const auto shown = desk.next();
  REQUIRE(shown.size() == 2);
  CHECK(shown[1].exists);
  CHECK(shown[1].content.empty());
  CHECK(desk.body.size() < 2000);
  std::string larger = large;
  for (int i = 0; larger.size() < (150U << 10); ++i) larger += list("more " + std::to_string(i));
  desk.put_lists(larger);
  const auto changed = desk.next();
  REQUIRE(changed.size() == 2);
  CHECK_FALSE(changed[0].has_patch);
  CHECK(desk.body.size() < 2000);
}

TEST_CASE("what is no list is refused, as is one too long; what a list has besides entries means nothing") {
  Desk desk;
  Phone phone(desk.stage);
  const auto answer = [&](const std::string& type, const std::string& body) {
    return desk.stage
        .answer(phone.send("SUBSCRIBE", alice, {"Event: xcap-diff", "Content-Type: " + type}, body))
        .status();
  };
  const std::string type = "application/resource-lists+xml";
  CHECK(answer("text/plain", "x") == 415);
  CHECK(answer(type, "<x/>") == 400);
  CHECK(answer(type, Phone::list_of({"a&#10;b"})) == 400);
  CHECK(answer(type, Phone::list_of(std::vector<std::string>(65, "resource-lists/"))) == 413);
  CHECK(answer(type, Phone::list_of(std::vector<std::string>(5, std::string(4000, 'x')))) == 413);
  CHECK(answer(type, Phone::list_of(std::vector<std::string>(64, "resource-lists/"))) == 200);
  CHECK(desk.take().empty());
  desk.put_lists(list("a"), 201);
  CHECK(desk.next().size() == 1);
  CHECK(answer(type,
               lists("<list><entry-ref ref=\"x\"/><list><entry uri=\"resource-lists/\"/></list></list>")) ==
        200);
  CHECK(desk.take().empty());
}

TEST_CASE("Expires 0 lists what there is, once") {
  Desk desk;
  desk.put_lists(list("a"), 201);
  Phone phone(desk.stage);
  CHECK(phone.follow({lists_sel}, "", {"Expires: 0"}) == 200);
  CHECK(desk.take().size() == 1);
  desk.put_lists(list("b"));
  desk.stage.wait(60s);
  CHECK(desk.stage.notifies.empty());
}
