#include "protocol/documents/rlmi.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::documents;

TEST_CASE("RLMI: what is printed reads back, with all states of an instance (RFC 4662 5)") {
  const Rlmi rlmi{
      .uri = "sip:friends@example.org",
      .version = 4294967295,
      .is_full = true,
      .names = {{"Buddies & more", "en"}, {"Liste d'amis", "fr"}},
      .resources = {{"sip:bob@example.org", {{"Bob", ""}}, {{.id = "1", .cid = "1@example.org"}}},
                    {"sip:carol@example.org", {}, {{.id = "1", .state = RlmiInstance::State::pending}}},
                    {"sip:dave@example.org",
                     {},
                     {{.id = "1", .state = RlmiInstance::State::terminated, .reason = "rejected"}}},
                    {"sip:ed@example.net", {}, {}}}};
  CHECK(*parse_rlmi(print(rlmi)) == rlmi);
}

TEST_CASE("RLMI: a list without what it must say is refused, a row without it is left out") {
  const auto list = [](const std::string& attributes, const std::string& inside = "") {
    return parse_rlmi("<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" " + attributes + ">" + inside + "</list>");
  };
  CHECK(list(R"(uri="sip:a@b" version="1")").error() == Errc::missing_attribute);
  CHECK(list(R"(uri="sip:a@b" fullState="1")").error() == Errc::missing_attribute);
  CHECK(list(R"(version="1" fullState="1")").error() == Errc::missing_attribute);
  CHECK(list(R"(uri="sip:a@b" version="4294967296" fullState="1")").error() == Errc::bad_value);
  CHECK(list(R"(uri="sip:a@b" version="-1" fullState="1")").error() == Errc::bad_value);
  CHECK(list(R"(uri="sip:a@b" version="1" fullState="yes")").error() == Errc::bad_value);
  CHECK(parse_rlmi("<list/>").error() == Errc::wrong_root);
  const auto read = list(R"(uri="sip:a@b" version="1" fullState="0")",
                         R"(<resource/><resource uri="sip:c@d"><instance id="1" state="asleep"/>)"
                         R"(<instance state="active"/><instance id="2" state="active" cid="x"/></resource>)");
  REQUIRE(read.has_value());
  CHECK_FALSE(read->is_full);
  REQUIRE(read->resources.size() == 1);
  REQUIRE(read->resources[0].instances.size() == 1);
  CHECK(read->resources[0].instances[0].cid == "x");
}
