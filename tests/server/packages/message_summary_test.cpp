#include "server/packages/message_summary.hpp"

#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

namespace {

sip::Message publish_summary(Device& device, const std::string& body, std::vector<std::string> lines = {}) {
  return device.publish(body, std::move(lines), "message-summary",
                        std::string(documents::message_summary_type));
}

std::string body_of(Stage& stage) {
  stage.wait(1s);
  const auto notified = stage.take();
  CHECK(notified.message.header(sip::HeaderId::content_type) == "application/simple-message-summary");
  CHECK(stage.notifies.empty());
  return std::string(notified.message.body());
}

const std::string none = "Messages-Waiting: no\r\n";
const std::string some =
    "Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.org\r\nVoice-Message: 2/8 (0/2)\r\n";

}  // namespace

TEST_CASE("a user sees what waits for her: nothing, then what a voicemail system publishes (RFC 3842 3)") {
  Stage stage;
  Device phone(stage, alice, tls(9)), voicemail(stage, alice, udp(5070));
  CHECK(phone.subscribe(alice, "message-summary").status() == 200);
  CHECK(body_of(stage) == none);
  CHECK(publish_summary(voicemail, some).status() == 200);
  CHECK(body_of(stage) == some);
  SUBCASE("headers of new messages are not passed on (RFC 3842 3.5)") {
    publish_summary(voicemail,
                    "Messages-Waiting: yes\r\nVoice-Message: 3/8\r\n\r\nSubject: carpool tomorrow?\r\n");
    CHECK(body_of(stage) == "Messages-Waiting: yes\r\nVoice-Message: 3/8\r\n");
  }
  SUBCASE("a publication that is removed counts no more") {
    CHECK(publish_summary(voicemail, "", {"Expires: 0"}).status() == 200);
    CHECK(body_of(stage) == none);
  }
}

TEST_CASE("the messages of several systems are added up (RFC 3842 3.10)") {
  Stage stage;
  Device phone(stage, alice, tls(9)), voicemail(stage, alice, udp(5070)), fax(stage, alice, udp(5071));
  publish_summary(voicemail, some);
  publish_summary(fax,
                  "Messages-Waiting: no\r\nMessage-Account: sip:alice@fax.example.org\r\nFax-Message: 0/4\r\n"
                  "Voice-Message: 4294967295/1 (1/0)\r\n");
  phone.subscribe(alice, "message-summary");
  CHECK(body_of(stage) ==
        "Messages-Waiting: yes\r\nVoice-Message: 4294967295/9 (1/2)\r\nFax-Message: 0/4\r\n");
}

TEST_CASE("what waits for a user is nobody else's business (RFC 3842 6)") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  CHECK(Device(stage, bob, tls(8)).subscribe(alice, "message-summary").status() == 403);
}

TEST_CASE("changes within a second come in one document (RFC 3842 3.11)") {
  Stage stage;
  Device phone(stage, alice, tls(9)), voicemail(stage, alice, udp(5070));
  phone.subscribe(alice, "message-summary");
  stage.take();
  publish_summary(voicemail, none);
  publish_summary(voicemail, some);
  CHECK(stage.notifies.empty());
  CHECK(body_of(stage) == some);
}

TEST_CASE("the summary outlives a restart, and the watcher gets it again") {
  Stage stage;
  Device phone(stage, alice, udp(5072)), voicemail(stage, alice, udp(5070));
  publish_summary(voicemail, some);
  phone.subscribe(alice, "message-summary");
  stage.take();
  stage.restart();
  stage.wait(5s);
  CHECK(stage.take().message.body() == some);
}

TEST_CASE("what is no message summary, or is too much, is refused (RFC 3903 6)") {
  Settings settings = Stage::default_settings();
  settings.elements_per_presentity = 2;
  Stage stage(settings);
  Device voicemail(stage, alice, udp(5070));
  CHECK(publish_summary(voicemail, "Voice-Message: 2/8\r\n").status() == 400);
  CHECK(voicemail.publish(pidf("here"), {}, "message-summary").status() == 415);
  CHECK(publish_summary(voicemail, none + "Fax-Message: 0/1\r\nVoice-Message: 1/2\r\n").status() == 403);
  CHECK(publish_summary(voicemail, none + "Fax-Message: 0/1\r\n").status() == 200);
}
