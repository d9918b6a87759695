#include <doctest/doctest.h>

#include <map>
#include <set>

#include "protocol/sip/builder.hpp"
#include "protocol/transaction/layer.hpp"

using namespace beckon;
using namespace beckon::transaction;

namespace {

/// Two layers on one virtual clock, joined by a link that drops, repeats, delays and so reorders. The far end
/// answers each request after a while, some never.
class Link : public Clock {
 public:
  explicit Link(std::uint64_t seed) : random_(seed) {}

  Now now() override { return {time_, WallTime{}}; }
  Random& random() { return random_; }
  TimerQueue& timers() { return timers_; }

  void carry(Layer& to, const Hop& from, SharedText text, OnFailed failed) {
    if (random_.below(100) < 2) {
      timers_.set(time_, [failed = std::move(failed)](Time) {
        if (failed) failed(make_error_code(boost::system::errc::connection_refused));
      });
      return;
    }
    const std::uint64_t copies = random_.below(100) < 30 ? 0 : random_.below(100) < 20 ? 2 : 1;
    for (std::uint64_t i = 0; i < copies; ++i) {
      const auto delay = std::chrono::milliseconds(random_.below(300));
      timers_.set(time_ + delay, [this, &to, from, text](Time) {
        to.receive(from, sip::Message::parse(text).value(), now());
      });
    }
  }
  void run_until_quiet() {
    while (timers_.next()) {
      time_ = std::max(time_, *timers_.next());
      timers_.advance(time_);
    }
  }

 private:
  SeededRandom random_;
  TimerQueue timers_;
  Time time_{};
};

struct Peer : Transport, User {
  explicit Peer(Link& l, std::uint16_t number)
      : link(l),
        address{*parse_ip("192.0.2.1"), number},
        layer({}, *this, l.timers(), l, l.random(), *this) {}

  void send(const Hop&, Outgoing message, OnFailed failed) override {
    link.carry(other->layer, Hop{.protocol = Protocol::udp, .remote = address, .local = {}, .flow = 0},
               message.join(), std::move(failed));
  }
  std::string sent_by(const Hop&) const override { return print(address); }

  void on_request(TransactionId id, const Hop&, const sip::Message& request, Now) override {
    CHECK(seen.insert(std::string(request.call_id())).second);
    if (link.random().below(10) == 0) return;
    answer(id, request, link.random().below(2) == 0 ? 200 : 486);
  }
  void answer(TransactionId id, const sip::Message& request, int status) {
    const auto delay = std::chrono::milliseconds(link.random().below(20000));
    link.timers().set(link.now().mono + delay, [this, id, status, request](Time) {
      layer.respond(id, sip::Builder::reply(request, status, "far").finish(), link.now());
    });
  }
  void on_ack(const Hop&, const sip::Message&, Now) override {}
  void on_cancel(TransactionId, const sip::Message&, Now) override {}
  void on_response(const Hop&, const sip::Message& response, Now) override {
    CHECK(response.status() == 200);
  }

  Link& link;
  Address address;
  Peer* other = nullptr;
  std::set<std::string> seen;
  Layer layer;
};

std::string request(std::string_view method, const std::string& call_id) {
  std::string text(method);
  text += " sip:far@example.org SIP/2.0\r\nMax-Forwards: 70\r\nFrom: <sip:near@example.org>;tag=near\r\n";
  text.append("To: <sip:far@example.org>\r\nCall-ID: ").append(call_id).append("\r\nCSeq: 1 ").append(method);
  return text.append("\r\nContent-Length: 0\r\n\r\n");
}

}  // namespace

TEST_CASE("on a bad link each request ends once, is seen at most once, and no state is left") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    Link link(seed);
    Peer near(link, 5060);
    Peer far(link, 5062);
    near.other = &far;
    far.other = &near;
    std::map<std::string, int> ends;
    const Hop hop{.protocol = Protocol::udp, .remote = far.address, .local = {}, .flow = 0};
    for (int i = 0; i < 20; ++i) {
      const std::string call_id = "call-" + std::to_string(i);
      ends[call_id] = 0;
      const auto id = near.layer.send(
          request(i % 2 == 0 ? "MESSAGE" : "INVITE", call_id), hop,
          [&ends, call_id](const Outcome& outcome, Now) {
            if (outcome.kind != Outcome::Kind::provisional) ++ends[call_id];
          },
          link.now());
      const Duration patience = i % 4 == 3 ? 10s : 3min;
      link.timers().set(link.now().mono + patience, [&, id](Time) { near.layer.cancel(id, {}, link.now()); });
    }
    link.run_until_quiet();
    for (const auto& [call_id, count] : ends) {
      CAPTURE(call_id);
      CHECK(count == 1);
    }
    CHECK(near.layer.size() == 0);
    // Only an INVITE that its user never answers may stay.
    far.layer.dump([](const Layer::Row& row) { CHECK((row.server && row.machine == "INVITE")); });
  }
}
