#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using documents::RegistrationInfo;

namespace {

/// "partial active: sip:dev@192.0.2.9:5070 active registered"
std::string line_of(const RegistrationInfo& info) {
  REQUIRE(info.registrations.size() == 1);
  const auto& registration = info.registrations[0];
  CHECK(registration.aor == alice);
  std::string line = info.state == RegistrationInfo::State::full ? "full " : "partial ";
  line += documents::to_string(registration.state);
  for (const auto& contact : registration.contacts)
    line += std::string(": ") + contact.uri + ' ' + documents::to_string(contact.state) + ' ' +
            documents::to_string(contact.event);
  return line;
}

const std::string phone = "sip:dev@192.0.2.9:5070";

}  // namespace

TEST_CASE(
    "a user sees her registration: init, then each change of a contact, versions rising (RFC 3680 4.7)") {
  Stage stage;
  Device watcher(stage, alice, tls(9)), device(stage, alice, udp(5070));
  CHECK(watcher.subscribe(alice, "reg").status() == 200);
  const auto first = stage.take();
  CHECK(first.message.header(sip::HeaderId::content_type) == "application/reginfo+xml");
  CHECK(first.reginfo().version == 0);
  CHECK(line_of(first.reginfo()) == "full init");

  stage.wait(10s);
  device.register_(3600, "urn:uuid:1");
  const auto registered = stage.take().reginfo();
  CHECK(registered.version == 1);
  CHECK(line_of(registered) == "partial active: " + phone + " active registered");
  const auto& contact = registered.registrations[0].contacts.at(0);
  CHECK(contact.expires_seconds == 3600);
  CHECK(contact.registered_seconds == 0);
  CHECK(contact.cseq == 1);
  CHECK(contact.unknown_parameters ==
        std::vector<std::pair<std::string, std::string>>{{"+sip.instance", "<urn:uuid:1>"}});

  stage.wait(90s);
  device.register_(1800, "urn:uuid:1");
  const auto refreshed = stage.take().reginfo();
  CHECK(line_of(refreshed) == "partial active: " + phone + " active refreshed");
  CHECK(refreshed.registrations[0].contacts.at(0).registered_seconds == 90);
  CHECK(refreshed.registrations[0].contacts.at(0).id == contact.id);

  stage.wait(10s);
  device.register_(0, "urn:uuid:1");
  CHECK(line_of(stage.take().reginfo()) == "partial terminated: " + phone + " terminated unregistered");
  watcher.refresh(3600);
  CHECK(line_of(stage.take().reginfo()) == "full init");
}

TEST_CASE("a contact's GRUUs are shown, the temporary one to its user alone (RFC 5628)") {
  auto settings = Stage::default_settings();
  settings.registration_watchers = {carol};
  Stage stage(settings);
  Device watcher(stage, alice, tls(9)), service(stage, carol, tls(8)), device(stage, alice, udp(5070));
  device.register_(3600, "urn:uuid:1");
  stage.wait(1s);
  device.register_(3600, "urn:uuid:1");
  watcher.subscribe(alice, "reg");
  const auto own = stage.take().reginfo().registrations.at(0).contacts.at(0);
  CHECK(own.public_gruu == "sip:alice@example.org;gr=urn:uuid:1");
  CHECK(own.temporary_gruu.first_cseq == 1);
  CHECK(own.cseq == 2);
  const auto view = sip::view_uri(own.temporary_gruu.uri);
  REQUIRE(view.has_value());
  const auto callee = stage.registrar->callee_of(*view);
  REQUIRE(callee.has_value());
  CHECK(callee->aor == alice);
  CHECK(stage.registrar->is_valid(*callee));

  service.subscribe(alice, "reg");
  const auto others = stage.take().reginfo().registrations.at(0).contacts.at(0);
  CHECK(others.public_gruu == own.public_gruu);
  CHECK(others.temporary_gruu.uri.empty());

  stage.wait(10s);
  device.register_(0, "urn:uuid:1");
  for (const auto& notified : stage.drain("reg")) {
    const auto ended = notified.reginfo().registrations.at(0).contacts.at(0);
    CHECK(ended.state == documents::ContactState::terminated);
    CHECK(ended.public_gruu == own.public_gruu);
    CHECK(ended.temporary_gruu.uri.empty());
  }
}

TEST_CASE("a registration that runs out is reported as expired (RFC 3680 4.7.1)") {
  Stage stage;
  Device watcher(stage, alice, tls(9)), device(stage, alice, udp(5070));
  device.register_(60);
  watcher.subscribe(alice, "reg");
  CHECK(line_of(stage.take().reginfo()) == "full active: " + phone + " active registered");
  stage.wait(61s);
  CHECK(line_of(stage.take().reginfo()) == "partial terminated: " + phone + " terminated expired");
}

TEST_CASE("changes that happen while a NOTIFY is in flight come in one document, the last of each contact") {
  Stage stage;
  Device watcher(stage, alice, tls(9)), device(stage, alice, udp(5070));
  watcher.subscribe(alice, "reg");
  const auto first = stage.take(0);
  device.register_();
  device.register_(0);
  stage.wait(10s);
  CHECK(stage.notifies.empty());
  stage.answer_notify(first, 200);
  CHECK(line_of(stage.take().reginfo()) == "partial terminated: " + phone + " terminated unregistered");
}

TEST_CASE("contacts that come and go without end while a NOTIFY is in flight cost one full document") {
  Stage stage;
  Device watcher(stage, alice, tls(9)), device(stage, alice, udp(5070));
  watcher.subscribe(alice, "reg");
  const auto first = stage.take(0);
  for (int i = 0; i < 100; ++i)
    device.send("REGISTER", alice, {"Contact: <sip:device" + std::to_string(i) + "@192.0.2.9>"});
  stage.wait(10s);
  stage.answer_notify(first, 200);
  const auto after = stage.take().reginfo();
  CHECK(after.state == RegistrationInfo::State::full);
  CHECK(after.registrations.at(0).contacts.size() == stage.settings().bindings_per_aor);
  device.register_();
  stage.wait(10s);
  CHECK(stage.take().reginfo().state == RegistrationInfo::State::partial);
}

TEST_CASE("the parameters of a contact are reported as they were given, whatever their number") {
  Stage stage;
  Device watcher(stage, alice, tls(9)), device(stage, alice, udp(5070));
  std::string parameters;
  for (int i = 0; i < 500; ++i) parameters += ";p" + std::to_string(i) + "=\"" + std::to_string(i) + "\"";
  device.send("REGISTER", alice, {"Contact: <sip:dev@192.0.2.9>" + parameters});
  watcher.subscribe(alice, "reg");
  const auto unknown = stage.take().reginfo().registrations.at(0).contacts.at(0).unknown_parameters;
  REQUIRE(unknown.size() == 500);
  CHECK(unknown.back() == std::pair<std::string, std::string>("p499", "499"));
}

TEST_CASE("a document that was lost is made good by a full one (RFC 3680 5.2)") {
  Stage stage;
  Device watcher(stage, alice, tls(9)), device(stage, alice, udp(5070));
  watcher.subscribe(alice, "reg");
  stage.take();
  stage.wait(10s);
  device.register_();
  stage.take(408);
  stage.wait(30s);
  CHECK(line_of(stage.take().reginfo()) == "full active: " + phone + " active registered");
}

TEST_CASE("registrations of others are for those whom the configuration names (RFC 3680 4.6)") {
  Settings settings = Stage::default_settings();
  settings.registration_watchers = {carol};
  Stage stage(settings);
  CHECK(Device(stage, bob, tls(8)).subscribe(alice, "reg").status() == 403);
  CHECK(Device(stage, carol, tls(7)).subscribe(alice, "reg").status() == 200);
  CHECK(line_of(stage.take().reginfo()) == "full init");
}

TEST_CASE("reg.winfo shows who watches the registrations: winfo serves any package (RFC 3857 4.1)") {
  Stage stage;
  Device watcher(stage, alice, tls(9)), other(stage, alice, tls(8));
  watcher.subscribe(alice, "reg.winfo");
  CHECK(stage.take().winfo().lists.at(0).package == "reg");
  stage.wait(10s);
  other.subscribe(alice, "reg");
  bool seen = false;
  for (const Notified& notified : stage.drain("reg.winfo")) {
    const auto info = notified.winfo();
    for (const auto& entry : info.lists.at(0).watchers) seen |= entry.uri == alice;
  }
  CHECK(seen);
}

TEST_CASE("after a restart the watcher gets full state with a higher version") {
  Stage stage;
  Device watcher(stage, alice, udp(5071)), device(stage, alice, udp(5070));
  device.register_();
  watcher.subscribe(alice, "reg");
  const auto before = stage.take().reginfo();
  stage.restart();
  stage.wait(5s);
  const auto after = stage.take().reginfo();
  CHECK(after.version > before.version);
  CHECK(line_of(after) == "full active: " + phone + " active registered");
}

namespace {

const std::string domain = "sip:example.org";

Settings with_welcome_service() {
  auto settings = Stage::default_settings();
  settings.registration_watchers = {carol};
  return settings;
}

/// "sip:alice@example.org active registered, ..." of a document about a domain.
std::string news_of(const RegistrationInfo& info) {
  CHECK(info.state == RegistrationInfo::State::partial);
  std::string line;
  for (const auto& registration : info.registrations)
    line += (line.empty() ? "" : ", ") + registration.aor + ' ' + documents::to_string(registration.state) +
            ' ' + documents::to_string(registration.contacts.at(0).event);
  return line;
}

}  // namespace

TEST_CASE(
    "who may watch all registrations may watch those of a domain: what happens from then on (RFC 3680 "
    "4.7.2)") {
  Stage stage(with_welcome_service());
  Device service(stage, carol, tls(9)), first(stage, alice, udp(5070)), second(stage, bob, udp(5071));
  CHECK(second.register_(3600, "urn:uuid:2").status() == 200);
  CHECK(service.subscribe(domain, "reg").status() == 200);
  const auto begin = stage.take().reginfo();
  CHECK(begin.version == 0);
  CHECK(news_of(begin).empty());
  stage.wait(10s);
  first.register_(3600, "urn:uuid:1");
  const auto registered = stage.take().reginfo();
  CHECK(registered.version == 1);
  CHECK(news_of(registered) == "sip:alice@example.org active registered");
  CHECK(registered.registrations[0].contacts[0].public_gruu == "sip:alice@example.org;gr=urn:uuid:1");
  CHECK(registered.registrations[0].contacts[0].temporary_gruu.uri.empty());
  SUBCASE("a refresh is no news; what comes within 5 s goes out together") {
    first.register_(1800, "urn:uuid:1");
    first.register_(0, "urn:uuid:1");
    second.register_(0, "urn:uuid:2");
    CHECK(stage.notifies.empty());
    stage.wait(5s);
    CHECK(news_of(stage.take().reginfo()) ==
          "sip:alice@example.org terminated unregistered, sip:bob@example.org terminated unregistered");
  }
  SUBCASE("after a restart it goes on; who is still registered is no news") {
    stage.restart();
    stage.wait(0s);
    CHECK(stage.notifies.empty());  // the connection is gone
    service.move(tls(10));
    service.refresh(3600);
    CHECK(news_of(stage.take().reginfo()).empty());
    stage.wait(10s);
    first.register_(3600, "urn:uuid:1");
    stage.wait(10s);
    CHECK(stage.notifies.empty());
    second.register_(0, "urn:uuid:2");
    CHECK(news_of(stage.take().reginfo()) == "sip:bob@example.org terminated unregistered");
  }
  SUBCASE("until it ends") {
    service.refresh(0);
    CHECK(stage.take().state() == "terminated;timeout");
    first.register_(0, "urn:uuid:1");
    CHECK(stage.notifies.empty());
  }
}

TEST_CASE("a domain that is not ours does not exist, and nobody else may follow ours (RFC 3680 4.6)") {
  Stage stage(with_welcome_service());
  CHECK(Device(stage, alice, tls(9)).subscribe(domain, "reg").status() == 403);
  CHECK(Device(stage, carol, tls(8)).subscribe("sip:example.net", "reg").status() == 404);
  CHECK(Device(stage, carol, tls(8)).subscribe(domain, "presence").status() == 404);
}

TEST_CASE(
    "a burst of registrations of a domain goes out in documents of 100 contacts, and has a bound (DESIGN "
    "7)") {
  Stage stage(with_welcome_service());
  Device service(stage, carol, tls(9));
  CHECK(service.subscribe(domain, "reg").status() == 200);
  stage.take();
  constexpr unsigned most = 4096, more = 10;
  const auto user_of = [](unsigned number) { return "sip:user" + std::to_string(number) + "@example.org"; };
  for (unsigned i = 0; i < most + more; ++i) {
    packages::DomainNews news{.domain = domain, .registration = {}};
    news.registration.aor = user_of(i);
    news.registration.id = "r";
    news.registration.contacts.emplace_back().id = "c";
    news.registration.contacts.back().uri = phone;
    stage.domains->on(std::move(news), 0, stage.clock_.at);
  }
  unsigned seen = 0, documents = 0;
  for (; seen < most && documents < 100; ++documents) {
    stage.wait(5s);
    const auto info = stage.take().reginfo();
    CHECK(info.version == documents + 1);
    CHECK(info.registrations.size() <= 100);
    CHECK(info.registrations.at(0).aor == user_of(seen));
    seen += static_cast<unsigned>(info.registrations.size());
  }
  CHECK(seen == most);
  stage.wait(10s);
  CHECK(stage.notifies.empty());
}
