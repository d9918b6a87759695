#include <map>
#include <set>
#include <tuple>

#include "server/message/messages.hpp"
#include "tests/server/message/office.hpp"

/// A device answers 482 to a request that it has answered as another one within 64*T1 (RFC 3261 8.2.2.2).
/// That says that it had the message, and not that it took it.
using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

namespace {

const std::string phone = "00000000-0000-1000-8000-000000000001",
                  laptop = "00000000-0000-1000-8000-000000000002";

/// A device with that check, which says `status` to what is new, and remembers the texts that it took.
struct Careful {
  Office& office;
  int status = 480;
  std::map<std::tuple<std::string, std::string, std::string>, Time> seen{};
  std::vector<std::string> had{};

  void answer(const Sent& got) {
    const auto& message = got.message;
    const Time now = office.clock.now().mono;
    const auto [entry, is_new] =
        seen.try_emplace({std::string(message.call_id()), std::string(message.from_tag()),
                          std::string(message.header(sip::HeaderId::cseq))},
                         now);
    if (!is_new && now < entry->second + 32s) return office.answer(got, 482);
    entry->second = now;
    if (status == 200) had.emplace_back(message.body());
    office.answer(got, status);
  }
  /// It is bob's phone: it registers from another port, or the server begins anew and finds it where it was.
  void come_back(bool restarts) {
    if (restarts)
      office.restart(1);
    else
      office.enter_phone(phone, 5081);
    answer_all();
  }
  /// All that comes to it; what goes to alice and bob's laptop is left out.
  void answer_all() {
    office.wait(1ms);
    while (!office.wire.is_silent()) {
      const auto got = office.take();
      if (got.message.is_request() && got.to.remote != udp(5090).remote) answer(got);
    }
  }
};

}  // namespace

TEST_CASE(
    "a device that has refused a message for now gets it as another request: at once when it comes back, "
    "over "
    "a restart, too") {
  for (const int status : {480, 486, 500, 503, 408}) {
    for (const bool restarts : {false, true}) {
      CAPTURE(status);
      CAPTURE(restarts);
      Office office;
      Careful device{office, status};
      office.room().leave({.user = bob, .from = alice, .body = "not now"});
      office.enter_phone(phone);
      device.answer_all();
      device.status = 200;
      device.come_back(restarts);
      CHECK(device.had == std::vector<std::string>{"not now"});
      CHECK(office.counters().delivered == 1);
    }
  }
}

TEST_CASE("a device that has refused the relayed message for now gets the stored one, over a restart, too") {
  for (const int status : {480, 500, 503}) {
    for (const bool restarts : {false, true}) {
      CAPTURE(status);
      CAPTURE(restarts);
      Office office;
      Careful device{office, status};
      office.enter_phone(phone);
      device.answer(office.send_on("not now"));
      CHECK(office.take().message.status() == 202);
      device.status = 200;
      device.come_back(restarts);
      CHECK(device.had == std::vector<std::string>{"not now"});
      CHECK(office.counters().delivered == 1);
    }
  }
}

TEST_CASE("one device refuses the relayed message while another is silent: it gets the stored one") {
  for (const bool is_early : {true, false}) {
    for (const bool restarts : {false, true}) {
      CAPTURE(is_early);
      CAPTURE(restarts);
      Office office;
      Careful device{office};
      office.enter_phone(phone);
      office.enter_phone(laptop, 5090);
      std::vector<Sent> copies{office.send_on("not now")};
      copies.push_back(office.take());
      const Sent& to_phone = copies[copies.front().to.remote == udp(5080).remote ? 0 : 1];
      if (is_early) device.answer(to_phone);
      office.wait(9s);
      if (!is_early) device.answer(to_phone);
      office.wait(1ms);
      while (!office.wire.is_silent()) office.take();
      CHECK(office.records() == 1);
      device.status = 200;
      device.come_back(restarts);
      CHECK(device.had == std::vector<std::string>{"not now"});
    }
  }
}

TEST_CASE("482 while the relayed message is under way to a silent device is no answer yet") {
  Office office;
  Careful device{office};
  office.enter_phone(phone);
  const auto relayed = office.send_on("slow");
  office.wait(9s);
  while (!office.wire.is_silent()) office.take();
  office.enter_phone(phone, 5081);
  office.wait(1ms);
  const auto stored = office.take();
  CHECK(stored.message.body() == "slow");
  office.answer(stored, 482);
  CHECK(office.records() == 1);
  SUBCASE("it refuses in the end: it gets it later, as another request") {
    device.answer(relayed);
    device.status = 200;
    office.wait(75s);
    device.answer_all();
    CHECK(device.had == std::vector<std::string>{"slow"});
  }
  SUBCASE("it accepts in the end: it does not get it again") {
    office.answer(relayed, 200);
    office.wait(75s);
    device.answer_all();
    CHECK(device.seen.empty());
  }
  CHECK(office.counters().delivered == 1);
}

TEST_CASE("what a device could not read as message/cpim it gets as text, as another request") {
  Office office;
  Careful device{office, 415};
  Ask wrapped = office.message(
      "From: <sip:alice@example.org>\r\nTo: <sip:bob@example.org>\r\n\r\nContent-Type: "
      "text/plain\r\n\r\nplain");
  wrapped.lines = {"Content-Type: message/cpim"};
  CHECK(office.ask_as(udp(5070), wrapped, "alice").status() == 202);
  office.enter_phone(phone);
  office.wait(1ms);
  device.answer(office.take());
  device.status = 200;
  device.answer_all();
  CHECK(device.had == std::vector<std::string>{"plain"});
}

TEST_CASE("more devices refuse a message than are told apart: none is taken for one that has it") {
  message::Stored stored;
  for (int i = 0; i < 40; ++i)
    stored = message::Inbox::refused_for_now(std::move(stored), "device " + std::to_string(i));
  CHECK(stored.refusals == 40);
  CHECK(stored.refusers.size() <= message::Inbox::devices_max);
  CHECK(stored.is_refused_by("device 0"));
  CHECK(stored.is_refused_by("device 39"));
}
