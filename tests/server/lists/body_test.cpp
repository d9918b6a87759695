#include "server/lists/body.hpp"

#include <doctest/doctest.h>

#include "protocol/documents/multipart.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::lists;
using State = subscription::Report::State;

namespace {

MemberState member(const std::string& name, std::size_t octets) {
  MemberState made{.uri = "sip:" + name + "@example.org"};
  made.is_known = made.is_due = true;
  made.state = State::active;
  made.content = {.type = "application/pidf+xml", .body = share(std::string(octets, 'x'))};
  return made;
}

struct Read {
  documents::Rlmi rlmi;
  documents::Multipart multipart;
};
Read read(const subscription::Content& content) {
  const std::string type = std::string(content.type) + content.parameters;
  CHECK(type.find("boundary=\"") == type.npos);
  auto multipart = documents::parse_multipart(*content.body, type);
  REQUIRE(multipart.has_value());
  auto rlmi = documents::parse_rlmi(root_of(*multipart, type).body);
  REQUIRE(rlmi.has_value());
  return {std::move(*rlmi), std::move(*multipart)};
}

}  // namespace

TEST_CASE("a full body names all members; what finds no room follows in partial ones (RFC 4662 4.5)") {
  SeededRandom random{7};
  MemberState members[] = {member("a", 1000), member("b", 1000), member("c", 1000), member("d", 1000)};
  members[3].is_known = members[3].is_due = false;
  std::vector<MemberState*> all;
  for (MemberState& each : members) all.push_back(&each);
  BodyHead head{.uri = "sip:friends@example.org", .version = 3, .domain = "example.org", .is_full = true};

  const auto full_content = make_body(head, all, {2900, 9999}, random);
  const Read full = read(full_content);
  CHECK(full.rlmi.is_full);
  CHECK(full.rlmi.version == 3);
  REQUIRE(full.rlmi.resources.size() == 4);
  CHECK(full.rlmi.resources[1].instances.size() == 1);
  CHECK(full.rlmi.resources[2].instances.empty());
  CHECK(full.rlmi.resources[3].instances.empty());
  const auto* part = find_content_id(full.multipart.parts, full.rlmi.resources[1].instances[0].cid);
  REQUIRE(part);
  CHECK(part->body.size() == 1000);
  CHECK_FALSE(members[1].is_due);
  CHECK(members[2].is_due);
  CHECK_FALSE(members[3].is_due);

  head.is_full = false;
  const auto rest_content = make_body(head, all, {2900, 9999}, random);
  const Read rest = read(rest_content);
  REQUIRE(rest.rlmi.resources.size() == 1);
  CHECK(rest.rlmi.resources[0].uri == "sip:c@example.org");
  CHECK_FALSE(members[2].is_due);
}

TEST_CASE("one state that is too long goes alone; an end has a reason and no part") {
  SeededRandom random{7};
  MemberState members[] = {member("a", 9000), member("b", 10), member("c", 10)};
  members[2].state = State::terminated;
  members[2].reason = "rejected";
  members[2].content = {};
  std::vector<MemberState*> all;
  for (MemberState& each : members) all.push_back(&each);
  const BodyHead head{.uri = "sip:friends@example.org", .version = 0, .domain = "example.org"};
  const auto first = make_body(head, all, {4000, 9999}, random);
  CHECK(read(first).rlmi.resources.size() == 1);
  const auto second = make_body(head, all, {4000, 9999}, random);
  const Read rest = read(second);
  REQUIRE(rest.rlmi.resources.size() == 2);
  const auto& ended = rest.rlmi.resources[1].instances.at(0);
  CHECK(ended.state == documents::RlmiInstance::State::terminated);
  CHECK(ended.reason == "rejected");
  CHECK(ended.cid.empty());
  const auto nothing = make_body(head, all, {4000, 9999}, random);
  CHECK(read(nothing).rlmi.resources.empty());
}

TEST_CASE("a state that is longer than anything that may go is left out, and due no more") {
  SeededRandom random{7};
  MemberState members[] = {member("a", 9000), member("b", 10)};
  std::vector<MemberState*> all{&members[0], &members[1]};
  BodyHead head{.uri = "sip:friends@example.org", .version = 0, .domain = "example.org", .is_full = true};
  for (const bool is_full : {true, false}) {
    members[0].is_due = members[1].is_due = true;
    head.is_full = is_full;
    const auto content = make_body(head, all, {4000, 5000}, random);
    const Read body = read(content);
    REQUIRE(body.rlmi.resources.size() == 2);
    CHECK(body.rlmi.resources[0].instances.empty());
    CHECK(body.rlmi.resources[1].instances.size() == 1);
    CHECK_FALSE(members[0].is_due);
    CHECK_FALSE(members[1].is_due);
  }
}

TEST_CASE("two bodies share no Content-ID, as one may stand in the other (RFC 2392 2)") {
  SeededRandom random{7};
  MemberState one = member("a", 10);
  std::vector<MemberState*> all{&one};
  const BodyHead head{
      .uri = "sip:friends@example.org", .version = 0, .domain = "example.org", .is_full = true};
  const auto first = make_body(head, all, {4000, 4000}, random);
  const auto second = make_body(head, all, {4000, 4000}, random);
  CHECK(read(first).rlmi.resources[0].instances[0].cid != read(second).rlmi.resources[0].instances[0].cid);
}
