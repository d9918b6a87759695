#include "protocol/documents/dialoginfo.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::documents;

namespace {

DialogInfo read(const std::string& attributes, const std::string& inside) {
  const auto info = parse_dialoginfo("<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' " + attributes +
                                     ">" + inside + "</dialog-info>");
  REQUIRE(info.has_value());
  return *info;
}

const std::string usual = "version='1' state='full' entity='sip:alice@example.org'";

Dialog read_one(const std::string& inside) {
  const auto info = read(usual, inside);
  REQUIRE(info.dialogs.size() == 1);
  return info.dialogs.front();
}

}  // namespace

TEST_CASE("a dialog with all that the RFC names is read, and prints the same (RFC 4235 4.1)") {
  const auto info =
      read("version='7' state='partial' entity='sip:alice@example.org'",
           "<dialog id='as7d' call-id='a84b@pc' local-tag='19' remote-tag='45' direction='initiator'>"
           "<state event='rejected' code='486'>terminated</state><duration>274</duration>"
           "<replaces call-id='hg28' local-tag='67' remote-tag='09'/>"
           "<referred-by display='Bob'>sip:bob@example.org</referred-by>"
           "<route-set><hop>&lt;sip:p1.example.org;lr&gt;</hop><hop>&lt;sip:p2.example.org;lr&gt;</hop></"
           "route-set>"
           "<local><identity display='Alice &amp; co'> sip:alice@example.org </identity>"
           "<target uri='sip:alice@pc33.example.org'><param pname='isfocus' pval='true'/>"
           "<param pname='class' pval='personal'/></target>"
           "<session-description type='application/sdp'>v=0</session-description><cseq>3</cseq>"
           "<x:y xmlns:x='urn:x'/></local>"
           "<remote><identity>sip:carol@example.org</identity></remote><x:y xmlns:x='urn:x'/></dialog>"
           "<x:z xmlns:x='urn:x'/>");
  CHECK(info.version == 7);
  CHECK(info.state == DialogInfo::State::partial);
  CHECK(info.entity == "sip:alice@example.org");
  CHECK(info.extensions.size() == 1);
  REQUIRE(info.dialogs.size() == 1);
  const Dialog& dialog = info.dialogs[0];
  CHECK(dialog.id == "as7d");
  CHECK(dialog.call_id == "a84b@pc");
  CHECK(dialog.local_tag == "19");
  CHECK(dialog.remote_tag == "45");
  CHECK(dialog.direction == DialogDirection::initiator);
  CHECK(dialog.state == DialogState::terminated);
  CHECK(dialog.event == DialogEvent::rejected);
  CHECK(dialog.code == 486);
  CHECK(dialog.duration_seconds == 274);
  CHECK(dialog.replaces == ReplacedDialog{"hg28", "67", "09"});
  CHECK(dialog.referred_by == DialogIdentity{"sip:bob@example.org", "Bob"});
  CHECK(dialog.route_set == std::vector<std::string>{"<sip:p1.example.org;lr>", "<sip:p2.example.org;lr>"});
  REQUIRE(dialog.local);
  CHECK(dialog.local->identity == DialogIdentity{"sip:alice@example.org", "Alice & co"});
  REQUIRE(dialog.local->target);
  CHECK(dialog.local->target->uri == "sip:alice@pc33.example.org");
  using Parameters = std::vector<std::pair<std::string, std::string>>;
  CHECK(dialog.local->target->parameters == Parameters{{"isfocus", "true"}, {"class", "personal"}});
  CHECK(dialog.local->session == SessionDescription{"application/sdp", "v=0"});
  CHECK(dialog.local->cseq == 3);
  CHECK(dialog.local->extensions.size() == 1);
  REQUIRE(dialog.remote);
  CHECK(dialog.remote->identity->display.empty());
  CHECK(dialog.extensions.size() == 1);

  const auto again = parse_dialoginfo(print(info));
  REQUIRE(again.has_value());
  CHECK(*again == info);
}

TEST_CASE("every state and event has its name (RFC 4235 3.7.1, 4.1.2)") {
  for (const char* state : {"trying", "proceeding", "early", "confirmed", "terminated"})
    CHECK(to_string(read_one("<dialog id='1'><state>" + std::string(state) + "</state></dialog>").state) ==
          std::string(state));
  for (const char* event :
       {"cancelled", "rejected", "replaced", "local-bye", "remote-bye", "error", "timeout"}) {
    const auto dialog =
        read_one("<dialog id='1'><state event='" + std::string(event) + "'>terminated</state></dialog>");
    REQUIRE(dialog.event);
    CHECK(to_string(*dialog.event) == std::string(event));
  }
}

TEST_CASE("what phones and the RFCs' own examples send is read: any order, other names, much left out") {
  SUBCASE("the state last, the target's URI as text (RFC 5359 2.16)") {
    const auto dialog = read_one(
        "<dialog id='1' direction='recipient'><duration>1</duration><local>"
        "<target>sips:bob@client.biloxi.example.com</target></local><state> early </state></dialog>");
    CHECK(dialog.state == DialogState::early);
    CHECK(dialog.direction == DialogDirection::recipient);
    REQUIRE(dialog.local);
    CHECK(dialog.local->target->uri == "sips:bob@client.biloxi.example.com");
  }
  SUBCASE("`receiver`, `reason`, parameters beside their target (RFC 4235 6.2)") {
    const auto dialog = read_one(
        "<dialog id='1' direction='receiver'><state reason='replaced'>terminated</state>"
        "<local><target uri='sip:a@b'/><param pname='+sip.rendering' pval='no'/></local></dialog>");
    CHECK(dialog.direction == DialogDirection::recipient);
    CHECK(dialog.event == DialogEvent::replaced);
    CHECK(dialog.local->target->parameters.empty());
    CHECK(dialog.local->extensions.empty());  // printed there it would not be valid
  }
  SUBCASE("display-name, as the schema has it") {
    CHECK(read_one("<dialog id='1'><state>early</state><remote><identity display-name='B'>sip:b@c</identity>"
                   "</remote></dialog>")
              .remote->identity->display == "B");
  }
  SUBCASE("no version, state or entity (RFC 4235 4.1, 4.2)") {
    const auto info = read("notify-state='full'", "");
    CHECK(info.version == 0);
    CHECK(info.state == DialogInfo::State::full);
    CHECK(info.entity.empty());
  }
  SUBCASE("a dialog without id, without state, or with a state we do not know is left out") {
    const auto info = read(usual,
                           "<dialog><state>early</state></dialog><dialog id='1'/>"
                           "<dialog id='2'><state>odd</state></dialog><dialog id='3'><state event='odd' "
                           "code='7'>trying</state><duration>long</duration></dialog>");
    REQUIRE(info.dialogs.size() == 1);
    CHECK(info.dialogs[0] == Dialog{.id = "3"});
  }
}

TEST_CASE("whether the user has a device stands in a document, in the words of RFC 3680") {
  DialogInfo info{.entity = "sip:a@b"};
  CHECK_FALSE(is_registered(info));
  for (const bool has_device : {false, true}) {
    info.extensions = {make_registration(info.entity, has_device)};
    const auto read = parse_dialoginfo(print(info));
    REQUIRE(read.has_value());
    CHECK(is_registered(*read) == has_device);
  }
  info.extensions = {{"urn:x", "registration", "<registration xmlns='urn:x' state='active'/>"}};
  CHECK_FALSE(is_registered(info));
}

TEST_CASE("what is no dialog information is refused") {
  CHECK(parse_dialoginfo("<dialog-info version='0' state='full'/>").error() == Errc::wrong_root);
  CHECK(parse_dialoginfo("<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' version='x'/>").error() ==
        Errc::bad_value);
  CHECK(parse_dialoginfo("<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' state='half'/>").error() ==
        Errc::bad_value);
}
