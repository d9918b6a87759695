#include "client/presence/list.hpp"

#include <doctest/doctest.h>

#include <boost/json/serialize.hpp>

#include "protocol/documents/multipart.hpp"

using namespace beckon;
using client::presence::List;
using Changed = std::vector<std::string>;

namespace {

const std::string bob = "sip:bob@example.org", carol = "sip:carol@example.org";

std::string pidf(const std::string& who, const std::string& basic) {
  return R"(<presence xmlns="urn:ietf:params:xml:ns:pidf" entity=")" + who +
         R"("><tuple id="t"><status><basic>)" + basic + "</basic></status></tuple></presence>";
}

struct Row {
  std::string uri, state, basic;
};

/// A NOTIFY's body, as a resource list server makes it.
struct Body {
  std::string type, text;
};
Body make(std::uint32_t version, bool is_full, const std::vector<Row>& rows) {
  std::string rlmi = R"(<list xmlns="urn:ietf:params:xml:ns:rlmi" uri="sip:l@example.org" version=")" +
                     std::to_string(version) + "\" fullState=\"" + (is_full ? "true" : "false") + "\">";
  std::vector<documents::NewPart> parts(1);
  std::vector<std::string> bodies;
  bodies.reserve(rows.size());
  for (const Row& row : rows) {
    rlmi += "<resource uri=\"" + row.uri + "\"><name>" + row.uri.substr(4, 3) + "</name>";
    if (!row.state.empty()) rlmi += "<instance id=\"1\" state=\"" + row.state + "\"";
    if (row.state == "terminated") rlmi += " reason=\"rejected\"";
    if (!row.basic.empty()) {
      const std::string cid = std::to_string(bodies.size()) + "@x";
      bodies.push_back(pidf(row.uri, row.basic));
      parts.push_back(
          {{{"Content-Id", '<' + cid + '>'}, {"Content-Type", "application/pidf+xml"}}, bodies.back()});
      rlmi += " cid=\"" + cid + "\"";
    }
    rlmi += row.state.empty() ? "</resource>" : "/></resource>";
  }
  rlmi += "</list>";
  parts[0] = {{{"Content-Type", "application/rlmi+xml"}}, rlmi};
  SeededRandom random{1};
  const auto printed = documents::print_multipart(parts, random);
  return {"multipart/related;type=\"application/rlmi+xml\";boundary=" + printed.boundary, printed.body};
}

}  // namespace

TEST_CASE("full state fills the table, partial state changes rows of it (RFC 4662 5.6)") {
  List list;
  Changed changed;
  const auto take = [&](const Body& body) {
    changed.clear();
    return list.take(body.text, body.type, changed);
  };
  CHECK(take(make(0, true, {{bob, "active", "open"}, {carol, "pending", ""}, {"sip:x@y", "", ""}})) ==
        List::Taken::yes);
  CHECK(changed == Changed{bob});  // of the others there is no document
  CHECK(list.was_full());
  CHECK(list.members().at(bob).document == pidf(bob, "open"));
  CHECK(list.members().at(carol).state == "pending");
  CHECK(list.members().at("sip:x@y").state == "unknown");
  CHECK(boost::json::serialize(list.json()) ==
        R"([{"of":"sip:bob@example.org","state":"active","name":"bob"},)"
        R"({"of":"sip:carol@example.org","state":"pending","name":"car"},)"
        R"({"of":"sip:x@y","state":"unknown","name":"x@y"}])");

  CHECK(take(make(1, false, {{carol, "terminated", ""}})) == List::Taken::yes);
  CHECK(changed.empty());
  CHECK(list.members().at(carol).reason == "rejected");
  CHECK_FALSE(list.members().at(bob).document.empty());
  CHECK(take(make(1, false, {{bob, "terminated", ""}})) == List::Taken::stale);
  CHECK(take(make(3, false, {{bob, "active", "closed"}})) == List::Taken::gap);
  CHECK(changed == Changed{bob});
  CHECK(take(make(4, true, {{bob, "active", "closed"}})) == List::Taken::yes);
  CHECK(changed.empty());
  CHECK(list.members().size() == 1);
  CHECK(take(make(5, true, {{carol, "pending", ""}})) == List::Taken::yes);
  CHECK(changed == Changed{bob});
}

TEST_CASE("the first document is partial, or none: full state is to be asked for") {
  List list;
  Changed changed;
  const Body body = make(7, false, {{bob, "active", "open"}});
  CHECK(list.take(body.text, body.type, changed) == List::Taken::gap);
  CHECK(list.take("hello", "multipart/related;boundary=x", changed) == List::Taken::unreadable);
  CHECK(list.take("--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x--", "multipart/related;boundary=x",
                  changed) == List::Taken::unreadable);
}

TEST_CASE("members of a list in the list are members, whose parts are looked for on their own level") {
  const Body inner = make(0, true, {{carol, "active", "open"}});
  const std::string rlmi =
      R"(<list xmlns="urn:ietf:params:xml:ns:rlmi" uri="sip:l@example.org" version="0" fullState="true">)"
      R"(<resource uri="sip:in@example.org"><instance id="1" state="active" cid="in@x"/></resource>)"
      R"(<resource uri="sip:bob@example.org"><instance id="1" state="active" cid="0@x"/></resource></list>)";
  SeededRandom random{1};
  const auto printed =
      documents::print_multipart({{{{"Content-Type", "application/rlmi+xml"}}, rlmi},
                                  {{{"Content-Id", "<in@x>"}, {"Content-Type", inner.type}}, inner.text}},
                                 random);
  List list;
  Changed changed;
  CHECK(list.take(printed.body, "multipart/related;boundary=" + printed.boundary, changed) ==
        List::Taken::yes);
  CHECK(list.members().size() == 2);
  CHECK_FALSE(list.members().at(carol).document.empty());
  CHECK(list.members().at(bob).document.empty());
}

TEST_CASE("a server cannot make the table grow for ever") {
  List list;
  Changed changed;
  bool was_dropped = false;
  for (std::uint32_t i = 0; i < 10; ++i) {
    std::vector<Row> rows;
    for (int n = 0; n < 300; ++n)
      rows.push_back({"sip:u" + std::to_string(i) + "-" + std::to_string(n) + "@example.org", "pending", ""});
    const Body body = make(i, i == 0, rows);
    was_dropped = list.take(body.text, body.type, changed) == List::Taken::gap || was_dropped;
    CHECK(list.members().size() <= List::members_max);
  }
  CHECK(was_dropped);
}
