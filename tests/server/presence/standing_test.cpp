#include "server/presence/standing.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::server::presence;

namespace {

documents::Presence read(const std::string& inside) {
  auto presence = documents::parse_pidf(
      "<presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' "
      "xmlns:r='urn:ietf:params:xml:ns:pidf:rpid' entity='sip:a@b'>" +
      inside + "</presence>");
  REQUIRE(presence.has_value());
  return *presence;
}

std::string tuple(const std::string& basic) {
  return "<tuple id='t" + basic + "'><status><basic>" + basic + "</basic></status></tuple>";
}

std::string person(const std::string& activity) {
  return "<dm:person id='p'><r:activities>" + activity + "</r:activities></dm:person>";
}

std::string sphere(const std::string& inside) {
  return "<dm:person id='p'><r:sphere>" + inside + "</r:sphere></dm:person>";
}

}  // namespace

TEST_CASE("the state of a person in a word: the larger one counts (DESIGN 6)") {
  struct {
    std::string document;
    Overall overall;
    bool do_not_disturb = false;
  } const rows[] = {
      {"", Overall::offline},
      {tuple("closed"), Overall::offline},
      {tuple("closed") + person("<r:vacation/>"), Overall::offline},
      {tuple("open"), Overall::available},
      {tuple("closed") + tuple("open"), Overall::available},
      {tuple("open") + person("<r:working/>"), Overall::available},
      {tuple("open") + person("<r:away/>"), Overall::away},
      {tuple("open") + person("<r:meeting/><r:away/>"), Overall::meeting},
      {tuple("open") + person("<r:busy/>"), Overall::meeting},
      {tuple("open") + person("<r:busy/><r:other>do-not-disturb</r:other>"), Overall::do_not_disturb, true},
      {tuple("closed") + person("<r:other>dnd</r:other>"), Overall::do_not_disturb, true},
      {tuple("open") + person("<r:on-the-phone/>"), Overall::on_the_phone},
      {tuple("open") + person("<r:on-the-phone/><r:other>dnd</r:other>"), Overall::on_the_phone, true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.document);
    const Standing standing = standing_of(read(row.document));
    CHECK(std::string(to_string(standing.overall)) == to_string(row.overall));
    CHECK(standing.do_not_disturb == row.do_not_disturb);
  }
}

TEST_CASE("which calls a person wants") {
  const auto standing = [](const std::string& activities) {
    return standing_of(read(tuple("open") + person(activities)));
  };
  CHECK(standing("<r:busy/>") == Standing{.overall = Overall::meeting, .busy = true});
  CHECK(standing("<r:away/><r:other>messages-only</r:other>") ==
        Standing{.overall = Overall::away, .messages_only = true});
  CHECK(standing("<r:on-the-phone/><r:other>one-call</r:other>") ==
        Standing{.overall = Overall::on_the_phone, .on_the_phone = true, .one_call = true});
}

TEST_CASE("the sphere is what all documents that have one agree on (RFC 5025 3.1.2)") {
  const auto together = [](const std::vector<std::string>& documents) {
    Spheres spheres;
    for (const std::string& each : documents) spheres.add(read(each));
    return spheres.value();
  };
  CHECK(together({}).empty());
  CHECK(together({tuple("open")}).empty());
  CHECK(together({tuple("open"), sphere("<r:work/>"), sphere("<r:work/>")}) == "work");
  CHECK(together({sphere("<r:work/>"), sphere("<r:home/>")}).empty());
  CHECK(together({sphere("<r:work/>"), sphere("<r:home/>"), sphere("<r:work/>")}).empty());
}
