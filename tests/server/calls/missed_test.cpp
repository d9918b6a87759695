#include <memory>

#include "server/message/messages.hpp"
#include "tests/server/calls/exchange.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

/// alice calls bob, who finds out about it.
class Desk : public Exchange {
 public:
  explicit Desk(bool has_phone = true, bool notes = true) : Exchange(1, noting(notes)) {
    if (has_phone) enter_bob();
  }
  static Settings noting(bool notes) {
    Settings settings = lamp_settings();
    settings.missed_notes = notes;
    return settings;
  }
  /// The texts that bob has been left: those that wait, and those that came to his phone.
  std::vector<std::string> notes() {
    wait(1ms);
    std::vector<std::string> all;
    while (!wire.is_silent()) {
      const auto got = take();
      if (!got.message.is_request() || got.message.method() != sip::Method::message) continue;
      all.emplace_back(got.message.body());
      answer(got, 200);
      wait(1ms);
    }
    if (const EntryPtr user = node().shard(0).directory().find(bob))
      if (const auto* inbox = room().boxes().inbox(*user))
        for (const auto& [number, message] : inbox->all())
          all.emplace_back(sip::Message::parse(share(message.text)).value().body());
    return all;
  }
  message::Messages& room() { return node().shard(0).room<message::Messages>(); }
  Ask next_call() {
    Ask call = invite;
    call.call_id = "i" + std::to_string(++calls_);
    call.branch = "z9hG4bKcall" + std::to_string(calls_);
    return call;
  }
  void hang_up(const Ask& call, std::vector<std::string> lines = {}) {
    Ask cancel = cancel_of(call);
    cancel.lines = std::move(lines);
    receive(udp(5070), text_of(cancel));
  }
  /// The caller gives up, and the phone says so.
  void ring_in_vain(std::vector<std::string> reason = {}) {
    const Ask call = next_call();
    const auto got = from_alice(call);
    answer(got, 180);
    hang_up(call, std::move(reason));
    answer(got, 487);
  }

 private:
  int calls_ = 0;
};

bool is_note(const std::vector<std::string>& notes, const std::string& begin) {
  return notes.size() == 1 && notes.front().starts_with(begin);
}

const std::string from_her = "Missed call from sip:alice@example.org, 2";

}  // namespace

TEST_CASE(
    "a call that nobody answers leaves its callee a note: the caller hangs up, the phone is silent or gone") {
  SUBCASE("hung up") {
    Desk desk;
    desk.ring_in_vain();
    CHECK(is_note(desk.notes(), from_her));
  }
  SUBCASE("refused as nobody was there") {
    for (const int status : {480, 408, 500}) {
      Desk desk;
      desk.answer(desk.from_alice(desk.next_call()), status);
      CHECK(is_note(desk.notes(), from_her));
    }
  }
  SUBCASE("no device") {
    Desk desk(false);
    desk.from_alice(desk.next_call());
    CHECK(is_note(desk.notes(), from_her));
  }
  SUBCASE("an anonymous caller stays so") {
    Desk desk(false);
    Ask call = desk.next_call();
    call.from = "sip:anonymous@anonymous.invalid";
    desk.from_alice(call);
    CHECK(is_note(desk.notes(), "Missed call from an anonymous caller, 2"));
  }
}

TEST_CASE("no note: answered here or elsewhere, declined, failed, redirected, no user, or switched off") {
  for (const int status : {486, 600, 603, 488, 302, 401}) {
    CAPTURE(status);
    Desk desk;
    desk.answer(desk.from_alice(desk.next_call()), status);
    CHECK(desk.notes().empty());
  }
  for (const char* reason :
       {"Reason: SIP;cause=200;text=\"Call completed elsewhere\"", "Reason: SIP;cause=487, Q.850;cause=26"}) {
    Desk desk;
    desk.ring_in_vain({reason});
    CHECK(desk.notes().empty());
  }
  SUBCASE("another reason") {
    Desk desk;
    desk.ring_in_vain({"Reason: SIP;cause=2000, Q.850;cause=16"});
    CHECK(desk.notes().size() == 1);
  }
  SUBCASE("answered") {
    Desk desk;
    desk.accept(desk.from_alice(desk.next_call()));
    CHECK(desk.notes().empty());
  }
  SUBCASE("nobody of that name") {
    Desk desk;
    Ask call = desk.next_call();
    call.uri = call.to = "sip:nobody@example.org";
    desk.from_alice(call);
    CHECK(desk.notes().empty());
  }
  SUBCASE("switched off") {
    Desk desk(true, false);
    desk.ring_in_vain();
    CHECK(desk.notes().empty());
  }
}

TEST_CASE(
    "notes about one caller collapse while they wait, over a restart, too; each of another caller stays") {
  Desk desk(false);
  for (int i = 0; i < 3; ++i) desk.from_alice(desk.next_call());
  CHECK(is_note(desk.notes(), "3 missed calls from sip:alice@example.org, the last 2"));
  desk.restart(1);
  desk.from_alice(desk.next_call());
  CHECK(is_note(desk.notes(), "4 missed calls from sip:alice@example.org, the last 2"));
  Ask unnamed = desk.next_call();
  unnamed.from = "sip:anonymous@anonymous.invalid";
  desk.from_alice(unnamed);
  CHECK(desk.notes().size() == 2);
  SUBCASE("what the user has had is over: the count begins anew") {
    desk.enter_bob();
    CHECK(desk.notes().size() == 2);
    CHECK(desk.notes().empty());
    desk.ring_in_vain();
    CHECK(is_note(desk.notes(), from_her));
  }
}
