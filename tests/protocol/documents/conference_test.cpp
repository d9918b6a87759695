#include "protocol/documents/conference.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::documents;

namespace {

std::string document(const std::string& attributes, const std::string& inside = "") {
  return "<conference-info xmlns='urn:ietf:params:xml:ns:conference-info' " + attributes + ">" + inside +
         "</conference-info>";
}

ConferenceUser user(const std::string& entity, EndpointStatus status) {
  return {.entity = entity, .roles = {"member"}, .endpoints = {{.entity = entity, .status = status}}};
}

}  // namespace

TEST_CASE("a conference, its users and their endpoints are read, and print the same (RFC 4575 5)") {
  const auto info = parse_conference(document(
      "entity='sip:r@x' state='full' version='3'",
      "<conference-description><display-text>r</display-text><subject> food &amp; drink </subject>"
      "<free-text>f</free-text><keywords>a b</keywords><maximum-user-count>9</maximum-user-count>"
      "</conference-description><host-info/><conference-state><user-count>2</user-count><active>true</active>"
      "<locked>0</locked></conference-state><users><user entity='sip:a@x'><display-text>A</display-text>"
      "<roles><entry>owner</entry><entry>chair</entry></roles><languages>en</languages>"
      "<endpoint entity='sip:a@pc'><display-text>pc</display-text><status>on-hold</status>"
      "<media id='1'/></endpoint></user><user entity='sip:b@x' state='deleted'/></users><z:z "
      "xmlns:z='urn:z'/>"));
  REQUIRE(info.has_value());
  CHECK(info->entity == "sip:r@x");
  CHECK(info->version == 3);
  CHECK(info->description->subject == "food & drink");
  CHECK(info->description->maximum_user_count == 9);
  CHECK(info->state->user_count == 2);
  CHECK(info->state->active == true);
  CHECK(info->state->locked == false);
  REQUIRE(info->users->users.size() == 2);
  const ConferenceUser& first = info->users->users[0];
  CHECK(first.roles == std::vector<std::string>{"owner", "chair"});
  REQUIRE(first.endpoints.size() == 1);
  CHECK(first.endpoints[0].status == EndpointStatus::on_hold);
  CHECK(first.endpoints[0].extensions.size() == 1);
  CHECK(info->users->users[1].part == ConferencePart::deleted);
  CHECK(info->extensions.size() == 2);
  const auto again = parse_conference(print(*info));
  REQUIRE(again.has_value());
  CHECK(*again == *info);
}

TEST_CASE("what lacks an entity or has a word we do not know is left out or refused") {
  CHECK(parse_conference("<x/>").error() == Errc::wrong_root);
  CHECK(parse_conference(document("version='1'")).error() == Errc::missing_attribute);
  CHECK(parse_conference(document("entity='e' version='-1'")).error() == Errc::bad_value);
  CHECK(parse_conference(document("entity='e' state='half'")).error() == Errc::bad_value);
  const auto info =
      parse_conference(document("entity='e'",
                                "<users><user/><user entity='a' state='x'/><user entity='b'><endpoint/>"
                                "<endpoint entity='c'><status>lost</status></endpoint></user></users>"));
  REQUIRE(info.has_value());
  REQUIRE(info->users->users.size() == 1);
  REQUIRE(info->users->users[0].endpoints.size() == 1);
  CHECK_FALSE(info->users->users[0].endpoints[0].status);
}

TEST_CASE("partial documents are merged by version: a gap asks for full state (RFC 4575 4.6, 5.1)") {
  ConferenceInfo known{.entity = "sip:r@x",
                       .version = 1,
                       .users = ConferenceUsers{.users = {user("a", EndpointStatus::connected),
                                                          user("b", EndpointStatus::connected)}}};
  ConferenceInfo news{.entity = "sip:r@x", .part = ConferencePart::partial, .version = 2};
  news.state = ConferenceState{.user_count = 2};
  news.users = ConferenceUsers{.part = ConferencePart::partial,
                               .users = {{.entity = "a", .part = ConferencePart::deleted},
                                         {.entity = "b",
                                          .part = ConferencePart::partial,
                                          .endpoints = {{.entity = "b",
                                                         .part = ConferencePart::partial,
                                                         .status = EndpointStatus::disconnected}}},
                                         user("c", EndpointStatus::connected)}};
  CHECK(merge(known, news));
  REQUIRE(known.users->users.size() == 2);
  CHECK(known.users->users[0].entity == "b");
  CHECK(known.users->users[0].roles == std::vector<std::string>{"member"});
  CHECK(known.users->users[0].endpoints[0].status == EndpointStatus::disconnected);
  CHECK(known.users->users[1].entity == "c");
  CHECK(known.state->user_count == 2);
  CHECK(merge(known, news));  // again
  CHECK(known.users->users.size() == 2);
  news.version = 4;
  CHECK_FALSE(merge(known, news));
  news.version = 3;
  news.part = ConferencePart::deleted;
  CHECK(merge(known, news));
  CHECK(known.part == ConferencePart::deleted);
  CHECK(known.users->users.empty());
}
