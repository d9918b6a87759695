#include "protocol/documents/reginfo.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::documents;

namespace {

std::string document(const std::string& attributes, const std::string& inside = "") {
  return "<reginfo xmlns='urn:ietf:params:xml:ns:reginfo' " + attributes + ">" + inside + "</reginfo>";
}

}  // namespace

TEST_CASE("registrations and their contacts are read, and print the same (RFC 3680 5)") {
  const auto info = parse_reginfo(document(
      "version='7' state='partial'",
      "<registration aor='sip:a@b' id='r' state='active'>"
      "<contact id='1' state='active' event='refreshed' duration-registered='7322' expires='600' q='0.8' "
      "callid='c@1' cseq='3'><uri> sip:a@pc.b;x=&lt; </uri><display-name>A</display-name>"
      "<unknown-param name='+sip.instance'>&lt;urn:uuid:1&gt;</unknown-param>"
      "<unknown-param name='audio'/><x:y xmlns:x='urn:x'/></contact>"
      "<contact id='2' state='terminated' event='probation' retry-after='60'><uri>sip:a@c</uri></contact>"
      "<x:z xmlns:x='urn:x'/></registration><x:z xmlns:x='urn:x'/>"));
  REQUIRE(info.has_value());
  CHECK(info->version == 7);
  CHECK(info->state == RegistrationInfo::State::partial);
  CHECK(info->extensions.size() == 1);
  REQUIRE(info->registrations.size() == 1);
  const Registration& registration = info->registrations[0];
  CHECK(registration.aor == "sip:a@b");
  CHECK(registration.state == RegistrationState::active);
  CHECK(registration.extensions.size() == 1);
  REQUIRE(registration.contacts.size() == 2);
  const RegisteredContact& first = registration.contacts[0];
  CHECK(first.uri == "sip:a@pc.b;x=<");
  CHECK(first.event == ContactEvent::refreshed);
  CHECK(first.registered_seconds == 7322);
  CHECK(first.expires_seconds == 600);
  CHECK(first.q == "0.8");
  CHECK(first.call_id == "c@1");
  CHECK(first.cseq == 3);
  CHECK(first.display_name == "A");
  using Parameters = std::vector<std::pair<std::string, std::string>>;
  CHECK(first.unknown_parameters == Parameters{{"+sip.instance", "<urn:uuid:1>"}, {"audio", ""}});
  CHECK(first.extensions.size() == 1);
  CHECK(registration.contacts[1].state == ContactState::terminated);
  CHECK(registration.contacts[1].retry_after_seconds == 60);

  const auto again = parse_reginfo(print(*info));
  REQUIRE(again.has_value());
  CHECK(*again == *info);
}

TEST_CASE("GRUUs are read and print the same, and their namespace stands there only with one (RFC 5628)") {
  const auto info = parse_reginfo(document(
      "xmlns:g='urn:ietf:params:xml:ns:gruuinfo' version='1' state='full'",
      "<registration aor='sip:a@b' id='r' state='active'><contact id='1' state='active' event='registered' "
      "callid='c' cseq='4'><uri>sip:a@c</uri><g:pub-gruu uri='sip:a@b;gr=urn:uuid:1'/><g:temp-gruu "
      "uri='sip:t@b;gr' first-cseq='2'/></contact></registration>"));
  REQUIRE(info.has_value());
  const RegisteredContact& contact = info->registrations.at(0).contacts.at(0);
  CHECK(contact.public_gruu == "sip:a@b;gr=urn:uuid:1");
  CHECK(contact.temporary_gruu == TemporaryGruuInfo{"sip:t@b;gr", 2});
  CHECK(contact.extensions.empty());
  const std::string text = print(*info);
  CHECK(text.find("<gr:pub-gruu uri=\"sip:a@b;gr=urn:uuid:1\"/>") != text.npos);
  CHECK(text.find("<gr:temp-gruu uri=\"sip:t@b;gr\" first-cseq=\"2\"/>") != text.npos);
  const auto again = parse_reginfo(text);
  REQUIRE(again.has_value());
  CHECK(*again == *info);
  CHECK(print(RegistrationInfo{}).find("gruuinfo") == std::string::npos);
}

TEST_CASE("every state and event has its name (RFC 3680 5.1)") {
  for (const char* event : {"registered", "created", "refreshed", "shortened", "expired", "deactivated",
                            "probation", "unregistered", "rejected"}) {
    const auto info = parse_reginfo(document(
        "version='0' state='full'",
        std::string("<registration aor='a' id='r' state='init'><contact id='i' state='active' event='") +
            event + "'><uri>u</uri></contact></registration>"));
    REQUIRE(info.has_value());
    REQUIRE(info->registrations.at(0).contacts.size() == 1);
    CHECK(to_string(info->registrations[0].contacts[0].event) == std::string(event));
  }
}

TEST_CASE(
    "a document that is not registration information is refused; entries that cannot be read are left out") {
  CHECK(parse_reginfo("<reginfo version='0' state='full'/>").error() == Errc::wrong_root);
  CHECK(parse_reginfo(document("version='0'")).error() == Errc::missing_attribute);
  CHECK(parse_reginfo(document("version='x' state='full'")).error() == Errc::bad_value);
  CHECK(parse_reginfo(document("version='0' state='half'")).error() == Errc::bad_value);
  const auto info = parse_reginfo(
      document("version='0' state='full'",
               "<registration aor='a' state='active'/><registration aor='b' id='2' state='odd'/>"
               "<registration aor='c' id='3' state='active'><contact id='1' state='active' event='odd'/>"
               "<contact state='active' event='created'/></registration>"));
  REQUIRE(info.has_value());
  REQUIRE(info->registrations.size() == 1);
  CHECK(info->registrations[0].contacts.empty());
}
