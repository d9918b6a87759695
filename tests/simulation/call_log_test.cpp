#include "tests/simulation/call_log.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

using namespace beckon;
using simulation::CallLog;
using simulation::World;

namespace {

const Address node = *parse_address("10.0.0.1:5060"), alice = *parse_address("10.0.0.10:5060"),
              bob = *parse_address("10.0.0.11:5060");

sip::Message message(const std::string& start, const std::string& branch, const std::string& to_tag,
                     const std::string& method, const std::string& more = {},
                     const std::string& transport = "UDP") {
  const std::string text = fmt::format(
      "{}\r\nVia: SIP/2.0/{} 10.0.0.9;branch={}\r\nFrom: <sip:alice@example.org>;tag=a\r\nTo: "
      "<sip:bob@example.org>{}\r\nCall-ID: c\r\nCSeq: 1 {}\r\n{}",
      start, transport, branch, to_tag.empty() ? "" : ";tag=" + to_tag, method,
      more.empty() ? "Content-Length: 0\r\n\r\n" : more);
  return *sip::Message::parse(share(text));
}

sip::Message invite(const std::string& branch) {
  return message("INVITE sip:bob@example.org SIP/2.0", branch, {}, "INVITE");
}
sip::Message answer(int status, const std::string& branch, const std::string& tag) {
  return message(fmt::format("SIP/2.0 {} So be it", status), branch, tag, "INVITE");
}

sip::Message dialog_notify(unsigned cseq, const std::string& state) {
  const std::string body = "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"" +
                           std::to_string(cseq) +
                           "\" state=\"partial\" entity=\"sip:bob@example.org\"><dialog id=\"d\"><state>" +
                           state + "</state></dialog></dialog-info>";
  const std::string text = fmt::format(
      "NOTIFY sip:w@10.0.0.12 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKn{}\r\nFrom: "
      "<sip:bob@example.org>;tag=s\r\nTo: <sip:w@example.org>;tag=w\r\nCall-ID: n\r\nCSeq: {} NOTIFY\r\n"
      "Content-Type: application/dialog-info+xml\r\nContent-Length: {}\r\n\r\n{}",
      cseq, cseq, body.size(), body);
  return *sip::Message::parse(share(text));
}

/// A call that the server has forwarded to one device.
struct Call {
  Call() {
    log.server_started();
    log.on_arrived(node, invite("z9hG4bKup"));
    log.on_sent(node, bob, invite("z9hG4bKdown"));
    log.ring_began("bob", invite("z9hG4bKdown"));
  }
  /// The device says so, and so does the server.
  void pass(int status, const std::string& tag) {
    log.on_sent(bob, node, answer(status, "z9hG4bKdown", tag));
    log.on_arrived(node, answer(status, "z9hG4bKdown", tag));
    log.on_sent(node, alice, answer(status, "z9hG4bKup", tag));
  }

  World world{1};
  CallLog log{world, node};
};

}  // namespace

TEST_CASE_FIXTURE(Call, "the call log finds a second answer of a call, and one that no device gave") {
  SUBCASE("one 2xx, and its copy, are good") {
    pass(200, "x");
    pass(200, "x");
    CHECK(log.fault() == "");
  }
  SUBCASE("so are two 2xx of two devices") {
    pass(200, "x");
    pass(200, "y");
    CHECK(log.fault() == "");
    CHECK(log.sights().late == 1);
  }
  SUBCASE("two refusals") {
    pass(486, "x");
    pass(603, "x");
    CHECK(log.fault().starts_with("two refusals"));
  }
  SUBCASE("a refusal behind a 2xx") {
    pass(200, "x");
    pass(603, "y");
    CHECK(log.fault().starts_with("a refusal after a 2xx"));
  }
  SUBCASE("a 2xx of nobody") {
    log.on_sent(node, alice, answer(200, "z9hG4bKup", "z"));
    CHECK(log.fault().starts_with("a 2xx that no device has sent"));
  }
  SUBCASE("none at all") {
    log.check_quiet({});
    CHECK(log.fault() == "c has no final answer");
  }
  SUBCASE("none is due for a call of before a crash") {
    log.server_crashed();
    log.check_quiet({});
    CHECK(log.fault() == "");
  }
}

TEST_CASE_FIXTURE(Call, "the call log finds a 2xx that the server keeps for itself") {
  pass(200, "x");
  log.on_arrived(node, answer(200, "z9hG4bKdown", "y"));
  log.check_quiet({});
  CHECK(log.fault() == "c: the 2xx of y is not passed on");
}

TEST_CASE_FIXTURE(Call,
                  "a 2xx of a device that rang and lost its connection is due for 10*T1 (RFC 3261 18.2.2)") {
  log.on_sent(node, bob,
              message("INVITE sip:bob@example.org SIP/2.0", "z9hG4bKother", {}, "INVITE", {}, "TLS"));
  const auto says = [&](int status) { log.on_arrived(node, answer(status, "z9hG4bKother", "y")); };
  bool is_due = true;
  Duration pause = 3s;
  SUBCASE("") { says(180); }
  SUBCASE("not when it had not rung") { is_due = false; }
  SUBCASE("nor later") {
    says(180);
    pause = 6s;
    is_due = false;
  }
  world.run_for(2s);
  log.connections_cut();
  world.run_for(pause);
  says(200);
  pass(200, "x");
  log.check_quiet({});
  CHECK(log.fault() == (is_due ? "c: the 2xx of y is not passed on" : ""));
  CHECK(log.sights().reconnected == (is_due ? 1 : 0));
}

TEST_CASE_FIXTURE(Call, "a 2xx is not due when its branch is over: RFC 3261 17.1.1.2 timer B, 9.1") {
  log.on_sent(node, bob, invite("z9hG4bKother"));
  const auto says = [&](int status) { log.on_arrived(node, answer(status, "z9hG4bKother", "y")); };
  std::string fault;
  SUBCASE("nothing was heard of it for 32 s") {
    world.run_for(20s);
    pass(200, "x");
    world.run_for(13s);
    says(200);
  }
  SUBCASE("it rang") {
    says(180);
    world.run_for(20s);
    pass(200, "x");
    world.run_for(13s);
    says(200);
    fault = "c: the 2xx of y is not passed on";
  }
  SUBCASE("64*T1 have passed since its CANCEL") {
    says(180);
    log.on_sent(node, bob, message("CANCEL sip:bob@10.0.0.11 SIP/2.0", "z9hG4bKother", {}, "CANCEL"));
    world.run_for(20s);
    pass(200, "x");
    world.run_for(13s);
    says(200);
  }
  SUBCASE("it crossed its CANCEL") {
    says(180);
    pass(200, "x");
    log.on_sent(node, bob, message("CANCEL sip:bob@10.0.0.11 SIP/2.0", "z9hG4bKother", {}, "CANCEL"));
    world.run_for(1s);
    says(200);
    fault = "c: the 2xx of y is not passed on";
  }
  log.check_quiet({});
  CHECK(log.fault() == fault);
}

TEST_CASE_FIXTURE(Call, "the call log finds a device that rings on, and a branch that begins too late") {
  SUBCASE("it rings on") {
    log.on_sent(node, bob, invite("z9hG4bKother"));
    log.ring_began("carol", invite("z9hG4bKother"));
    log.on_arrived(node, answer(180, "z9hG4bKother", "y"));
    log.ring_ended(invite("z9hG4bKdown"));
    pass(200, "x");
    world.run_for(20s);
    log.check_quiet({});
    CHECK(log.fault() == "");
    world.run_for(20s);
    log.check_quiet({});
    CHECK(log.fault().starts_with("carol rings for c"));
  }
  SUBCASE("nobody knows that it rings") {
    pass(200, "x");
    world.run_for(1min);
    log.ring_ended(invite("z9hG4bKdown"));
    CHECK(log.fault().starts_with("bob rings for c"));
  }
  SUBCASE("what it says comes when its branch has timed out") {
    log.on_sent(node, bob, invite("z9hG4bKother"));
    log.ring_began("carol", invite("z9hG4bKother"));
    log.ring_ended(invite("z9hG4bKdown"));
    pass(603, "x");
    world.run_for(33s);
    log.on_arrived(node, answer(180, "z9hG4bKother", "y"));
    world.run_for(1min);
    log.check_quiet({});
    CHECK(log.fault() == "");
  }
  SUBCASE("a new branch") {
    pass(603, "x");
    world.run_for(2s);
    log.on_sent(node, bob, invite("z9hG4bKlate"));
    CHECK(log.fault().starts_with("a branch begins after the call's end"));
  }
}

TEST_CASE_FIXTURE(Call, "the call log finds do-not-disturb disobeyed, and a dialog that is over and shown") {
  SUBCASE("a call") {
    log.forbid("c", "sip:bob@example.org");
    log.on_sent(node, bob, invite("z9hG4bKnew"));
    CHECK(log.fault().starts_with("do-not-disturb, and 10.0.0.11:5060 is called"));
  }
  SUBCASE("not when that is over") {
    log.forbid("c", "sip:bob@example.org");
    log.allow("sip:bob@example.org");
    log.on_sent(node, bob, invite("z9hG4bKnew"));
    CHECK(log.fault() == "");
  }
  SUBCASE("a dialog") {
    pass(200, "x");
    log.ring_ended(invite("z9hG4bKdown"));
    log.check_quiet({"c"});
    CHECK(log.fault() == "");
    log.on_arrived(node, message("BYE sip:bob@10.0.0.11 SIP/2.0", "z9hG4bKbye", "x", "BYE"));
    log.check_quiet({"c"});
    CHECK(log.fault() == "c is over, and is shown");
  }
}

TEST_CASE_FIXTURE(Call, "the call log finds a dialog that goes back, and a storm") {
  SUBCASE("back") {
    log.on_sent(node, alice, dialog_notify(1, "trying"));
    log.on_sent(node, alice, dialog_notify(2, "confirmed"));
    log.on_sent(node, alice, dialog_notify(1, "trying"));  // a copy
    CHECK(log.fault() == "");
    log.on_sent(node, alice, dialog_notify(3, "early"));
    CHECK(log.fault().starts_with("dialog d goes back to early"));
  }
  SUBCASE("a storm of one message") {
    for (int i = 0; i < 100; ++i) log.on_sent(node, bob, invite("z9hG4bKdown"));
    CHECK(log.fault().starts_with("a storm of"));
  }
  SUBCASE("a storm of many") {
    for (int i = 0; i < 100; ++i)
      log.on_sent(node, bob,
                  message("ACK sip:bob@10.0.0.11 SIP/2.0", fmt::format("z9hG4bKa{}", i), "x", "ACK"));
    log.on_sent(node, alice, answer(486, "z9hG4bKup", "x"));
    log.check_quiet({});
    CHECK(log.fault().starts_with("c: the server sends 1"));
  }
}
