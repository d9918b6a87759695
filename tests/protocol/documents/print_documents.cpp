// Writes one of each document we print into the folder named by the first argument.

#include <fstream>
#include <string>

#include "protocol/documents/dialoginfo.hpp"
#include "protocol/documents/direct.hpp"
#include "protocol/documents/imdn.hpp"
#include "protocol/documents/iscomposing.hpp"
#include "protocol/documents/pidf_diff.hpp"
#include "protocol/documents/pres_rules.hpp"
#include "protocol/documents/reginfo.hpp"
#include "protocol/documents/resource_lists.hpp"
#include "protocol/documents/rlmi.hpp"
#include "protocol/documents/winfo.hpp"
#include "protocol/documents/xcap_diff.hpp"

using namespace beckon;
using namespace beckon::documents;

namespace {

Direct make_direct() {
  Direct direct;
  direct.mode = ds1::Mode::automatic;
  direct.epoch = {0x3f, 0x9a, 0x11, 0xc2};
  direct.media = {
      {MediaKind::audio,
       Direction::sendrecv,
       std::nullopt,
       64000,
       0,
       {{111, "opus", 48000, 2, 20, "useinbandfec=1"}, {0, "PCMU", 8000, 1, 20, ""}}},
      {MediaKind::video, Direction::recvonly, ds1::Mode::ask, 1500000, 0, {{96, "VP8", 90000, 1, 0, ""}}}};
  direct.candidates = {{Candidate::Type::host, 2130706431, {*parse_ip("192.0.2.10"), 40000}},
                       {Candidate::Type::srflx, 1694498815, {*parse_ip("2001:db8::10"), 40000}}};
  direct.key.fill(7);
  direct.ident.emplace();
  direct.ident->key.fill(8);
  direct.ident->signature.fill(9);
  direct.secret.emplace().fill(1);
  return direct;
}

Presence make_presence(const xml::Fragment& direct) {
  Presence presence;
  presence.entity = "sip:alice@example.org";
  Tuple tuple{"laptop", Basic::open, {direct}, {}, Contact{"sip:alice@192.0.2.10;ob", 800}, {}, {}};
  tuple.notes = {{"at my desk", "en"}, {"am Tisch", "de"}};
  tuple.timestamp = "2026-11-21T04:00:00Z";
  presence.tuples = {tuple, {"desk", Basic::closed, {}, {}, std::nullopt, {}, ""}};
  presence.notes = {{"hello <world>", ""}};
  Person person{"p1", {make_activities({"busy", "on-the-phone", "juggling"})}, {{"busy", ""}}, ""};
  person.timestamp = "2026-11-21T04:00:00Z";
  presence.persons = {person};
  return presence;
}

WatcherInfo make_winfo() {
  WatcherInfo info{4, WatcherInfo::State::partial, {}, {}, {}};
  const Watcher watcher{
      "w1", "sip:bob@example.org", WatcherStatus::active, WatcherEvent::approved, "Bob", 600, 12};
  info.lists = {{"sip:alice@example.org", "presence", {watcher}, {}}};
  info.permits = {{"sip:bob@example.org", ds1::Mode::automatic}, {"sip:carol@example.org", ds1::Mode::off}};
  return info;
}

RegistrationInfo make_reginfo() {
  RegisteredContact contact{.id = "1", .uri = "sip:alice@192.0.2.9:5070"};
  contact.event = ContactEvent::refreshed;
  contact.expires_seconds = 600;
  contact.registered_seconds = 12;
  contact.q = "0.8";
  contact.call_id = "call@192.0.2.9";
  contact.cseq = 3;
  contact.unknown_parameters = {{"+sip.instance", "<urn:uuid:1>"}};
  contact.public_gruu = "sip:alice@example.org;gr=urn:uuid:1";
  contact.temporary_gruu = {"sip:tgruu.x@example.org;gr", 1};
  const RegisteredContact gone{.id = "2",
                               .uri = "sip:alice@192.0.2.8",
                               .state = ContactState::terminated,
                               .event = ContactEvent::unregistered};
  return {.version = 2,
          .registrations = {{.aor = "sip:alice@example.org",
                             .id = "r",
                             .state = RegistrationState::active,
                             .contacts = {contact, gone}}}};
}

DialogInfo make_dialoginfo() {
  DialogParticipant participant{.identity = DialogIdentity{"sip:alice@example.org", "Alice"}};
  participant.target = {"sip:alice@192.0.2.9", {{"isfocus", "true"}}};
  participant.session = {"application/sdp", "v=0\r\n"};
  participant.cseq = 3;
  participant.extensions = {{"urn:x", "y", "<x:y xmlns:x=\"urn:x\"/>"}};
  Dialog dialog{.id = "1", .call_id = "c@1", .local_tag = "2", .remote_tag = "3"};
  dialog.direction = DialogDirection::recipient;
  dialog.state = DialogState::terminated;
  dialog.event = DialogEvent::remote_bye;
  dialog.code = 200;
  dialog.duration_seconds = 12;
  dialog.replaces = {"c@2", "4", "5"};
  dialog.referred_by = {"sip:bob@example.org", "Bob"};
  dialog.route_set = {"<sip:proxy.example.org;lr>"};
  dialog.local = dialog.remote = participant;
  dialog.extensions = participant.extensions;
  return {.version = 4,
          .state = DialogInfo::State::partial,
          .entity = "sip:alice@example.org",
          .dialogs = {dialog, {.id = "2"}},
          .extensions = participant.extensions};
}

Rules make_rules() {
  Rules rules;
  (void)set_watcher(rules, "sip:bob@example.org", {SubHandling::allow, ds1::Mode::automatic});
  (void)set_watcher(rules, "sip:carol@example.org", {SubHandling::block});
  (void)set_watcher(rules, "sip:dave@example.org", {SubHandling::polite_block});
  return rules;
}

ResourceList make_list() {
  const ResourceList inner{.name = "close", .items = {{.target = "sip:carol@example.org"}}};
  return {.name = "friends",
          .display_name = DisplayName{"My <friends>", "en"},
          .items = {{.target = "sip:bob@example.org", .name = DisplayName{"Bob", "en"}},
                    {.kind = ListItem::Kind::entry_ref, .target = "resource-lists/users/sip:a@b/index/~~/x"},
                    {.kind = ListItem::Kind::list, .target = {}, .list = {inner}},
                    {.kind = ListItem::Kind::external, .target = "http://xcap.example.org/x"}},
          .extensions = {{"urn:x", "y", "<x:y xmlns:x=\"urn:x\"/>"}}};
}

Rlmi make_rlmi() {
  using State = RlmiInstance::State;
  return {.uri = "sip:friends@example.org",
          .version = 7,
          .is_full = true,
          .cid = "0@example.org",
          .names = {{"Friends", "en"}, {"Amis", "fr"}},
          .resources = {
              {"sip:bob@example.org", {{"Bob", ""}}, {{.id = "1", .cid = "1@example.org"}}},
              {"sip:carol@example.org", {}, {{.id = "1", .state = State::pending}}},
              {"sip:dave@example.org", {}, {{.id = "1", .state = State::terminated, .reason = "rejected"}}},
              {"sip:ed@example.net"}}};
}

std::string make_xcap_diff() {
  const std::string before = print(ResourceLists{{make_list()}});
  const std::string after = print(ResourceLists{{make_list(), {.name = "more"}}});
  const XcapPatch changed = make_xcap_patch(before, after, 10000).value(), same;
  XcapDiffWriter writer("https://example.org/xcap/");
  writer.document("resource-lists/users/sip:a@example.org/index", "", "1");
  writer.document("resource-lists/users/sip:a@example.org/index", "1", "2", &changed);
  writer.document("resource-lists/users/sip:a@example.org/index", "2", "3", &same);
  writer.document("resource-lists/users/sip:a@example.org/index", "3", "");
  writer.element("resource-lists/users/sip:a@example.org/index/~~/*/list",
                 {{"", "urn:ietf:params:xml:ns:resource-lists"}}, "<list/>");
  writer.no_element("resource-lists/users/sip:a@example.org/index/~~/*/list");
  writer.attribute("resource-lists/users/sip:a@example.org/index/~~/*/list/@name", "<more>");
  writer.no_attribute("resource-lists/users/sip:a@example.org/index/~~/*/list/@name");
  return writer.finish();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto write = [folder = std::string(argv[1])](const char* name, const std::string& text) {
    std::ofstream(folder + "/" + name, std::ios::binary) << text;
  };
  const auto direct = print(make_direct());
  write("pidf.xml", print(make_presence(direct)));
  write("pidf_lowered.xml", print(make_presence(lower(direct, ds1::Mode::ask))));
  auto printed = print_with_grant_places(make_presence(lower(direct, ds1::Mode::ask)));
  printed.text.insert(printed.grants.at(0).offset, print(ds1::Grant{Bytes(60, 5), {}}));
  write("pidf_granted.xml", printed.text);
  write("pidf_full.xml", print_full(print(make_presence(direct)), 1));
  auto changed = make_presence(direct);
  changed.tuples.front().basic = Basic::closed;
  changed.persons.clear();
  changed.notes.push_back({"a new note", "en"});
  write("pidf_diff.xml",
        print_diff(changed.entity, make_operations(print(make_presence(direct)), print(changed)).value(), 2));
  write("winfo.xml", print(make_winfo()));
  write("winfo_empty.xml", print(WatcherInfo{}));
  write("reginfo.xml", print(make_reginfo()));
  write("dialoginfo.xml", print(make_dialoginfo()));
  write("dialoginfo_empty.xml", print(DialogInfo{.entity = "sip:alice@example.org"}));
  write("pres_rules.xml", print(make_rules()));
  write("pres_rules_empty.xml", print(Rules{}));
  write("resource_lists.xml", print(ResourceLists{{make_list(), {}}}));
  write("resource_lists_empty.xml", print(ResourceLists{}));
  write("rls_services.xml",
        print(RlsServices{{{.uri = "sip:friends@example.org",
                            .list = make_list(),
                            .packages = {"presence"},
                            .names_packages = true},
                           {.uri = "sip:all@example.org", .resource_list = "http://xcap.example.org/x"}}}));
  write("rlmi.xml", print(make_rlmi()));
  write("rlmi_empty.xml", print(Rlmi{.uri = "sip:friends@example.org"}));
  write("xcap_diff.xml", make_xcap_diff());
  write("xcap_diff_empty.xml", XcapDiffWriter("https://example.org/xcap/").finish());
  const IsComposing composing{.active = true,
                              .last_active = "2026-11-21T04:00:00Z",
                              .content_type = "text/plain",
                              .refresh_seconds = 90};
  write("is_composing.xml", print(composing));
  write("is_composing_idle.xml", print(IsComposing{}));
  Imdn imdn{.message_id = "1", .date_time = "2026-11-21T04:00:00Z"};
  write("delivered.imdn", print(imdn));
  imdn.recipient = "sip:bob@example.org";
  imdn.subject = "lunch";
  imdn.kind = Imdn::Kind::display;
  imdn.status = Imdn::Status::displayed;
  imdn.extensions = {{"urn:x", "y", "<x:y xmlns:x=\"urn:x\"/>"}};
  write("displayed.imdn", print(imdn));
}
