#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>
#include "protocol/sip/builder.hpp"
#include "protocol/sip/check.hpp"
#include "protocol/transaction/layer.hpp"
using namespace beckon;
using namespace beckon::transaction;
struct Rig : Transport, User, Clock {
  void send(const Hop&, Outgoing message, OnFailed failed) override {
    last = std::move(message.head);
    last_failed = std::move(failed);
  }
  std::string sent_by(const Hop&) const override { return "192.0.2.9:5070"; }
  void on_request(TransactionId id, const Hop&, const sip::Message&, Now now) override {
    layer.respond(id, answer, now);
  }
  void on_ack(const Hop&, const sip::Message&, Now) override {}
  void on_cancel(TransactionId, const sip::Message&, Now) override {}
  void on_response(const Hop&, const sip::Message&, Now) override {}
  Now now() override { return {time, WallTime{}}; }
  Time time{};
  TimerQueue timers;
  SeededRandom random{1};
  SharedText last;
  OnFailed last_failed;
  std::string answer;
  Layer layer{{.times = {},
               .branch_prefix = [] { return std::string("bk07f."); },
               .locate = [](const SentBy&, OnFound) {}},
              *this,
              timers,
              *this,
              random,
              *this};
};
int main(int argc, char** argv) {
  const int count = argc > 2 ? atoi(argv[2]) : 100000;
  const std::string what = argv[1];
  Rig rig;
  const Hop hop{.protocol = Protocol::udp,
                .remote = *parse_address("192.0.2.1:5060"),
                .local = *parse_address("192.0.2.9:5070"),
                .flow = 0};
  std::string head =
      "NOTIFY sip:alice@192.0.2.1:5060 SIP/2.0\r\nMax-Forwards: 70\r\nFrom: "
      "<sip:bob@example.org>;tag=bk07f.0123456789abcdef\r\nTo: "
      "<sip:alice@example.org>;tag=bobtagbobtag\r\nCall-ID: 0123456789abcdef@192.0.2.1\r\nCSeq: 5 "
      "NOTIFY\r\nContact: <sip:bk07f.s@192.0.2.9:5070>\r\nEvent: presence\r\nSubscription-State: "
      "active;expires=3600\r\nUser-Agent: beckond/1.0\r\nContent-Type: "
      "application/pidf+xml\r\nContent-Length: 640\r\n\r\n";
  const SharedText body = share(std::string(640, 'x'));
  const auto cut = head.find("\r\n") + 2;
  const std::string_view line = std::string_view(head).substr(0, cut),
                         rest = std::string_view(head).substr(cut);
  long ended = 0;
  if (what.starts_with("notify")) {
    const std::string a = "SIP/2.0 200 OK\r\nVia: ",
                      b = "\r\nFrom: <sip:bob@example.org>;tag=bk07f.0123456789abcdef\r\nTo: "
                          "<sip:alice@example.org>;tag=bobtagbobtag\r\nCall-ID: "
                          "0123456789abcdef@192.0.2.1\r\nCSeq: 5 NOTIFY\r\nContent-Length: 0\r\n\r\n";
    for (int i = 0; i < count; ++i) {
      rig.time += 10us;
      if (i % 64 == 0) {
        rig.timers.advance(rig.time);
        rig.timers.next();
      }
      rig.layer.send(
          {.line = line, .headers = {&rest, 1}, .body = body, .status_only = true}, hop,
          [&ended, i, x = &rig](const Outcome& o, Now) { ended += o.status == 200 && i >= 0 && x; },
          rig.now());
      const auto text = *rig.last;
      const auto at = text.find("Via: ") + 5;
      std::string response = a;
      response.append(text.substr(at, text.find("\r\n", at) - at)).append(b);
      if (what == "notify") {
        const auto quick = quick_response(response);
        if (!quick || !rig.layer.retire(*quick, rig.now())) return 1;
        continue;
      }
      auto message = sip::Message::parse(share(response));
      sip::Reading reading;
      if (!message || sip::check(*message, reading)) return 1;
      rig.layer.receive(hop, *message, rig.now(), &reading.via);
    }
  } else {
    const std::string tail =
        ";rport\r\nMax-Forwards: 70\r\nFrom: <sip:bob@example.org>;tag=0123456789abcdef\r\nTo: "
        "<sip:bob@example.org>\r\nCall-ID: 0123456789abcdef@192.0.2.1\r\nCSeq: 5 REGISTER\r\nContact: "
        "<sip:bob@192.0.2.1:5060>\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n";
    rig.answer =
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK12345678;rport\r\nFrom: "
        "<sip:bob@example.org>;tag=0123456789abcdef\r\nTo: "
        "<sip:bob@example.org>;tag=bk07f.012345678\r\nCall-ID: 0123456789abcdef@192.0.2.1\r\nCSeq: 5 "
        "REGISTER\r\nContact: <sip:bob@192.0.2.1:5060>;expires=3600\r\nContent-Length: 0\r\n\r\n";
    for (int i = 0; i < count; ++i) {
      rig.time += 10us;
      if (i % 64 == 0) {
        rig.timers.advance(rig.time);
        rig.timers.next();
      }
      char line[120];
      snprintf(line, sizeof line,
               "REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%08d", i);
      auto message = sip::Message::parse(share(line + tail));
      sip::Reading reading;
      if (!message || sip::check(*message, reading)) return 1;
      rig.layer.receive(hop, *message, rig.now(), &reading.via);
      ended += bool(rig.last);
    }
  }
  printf("%s %ld left %zu\n", what.c_str(), ended, rig.layer.size());
}
