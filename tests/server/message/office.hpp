#pragma once

#include <string>
#include <utility>
#include <vector>

#include "server/message/messages.hpp"
#include "tests/server/proxy/town.hpp"

namespace beckon::server::test {

/// alice writes to bob, who is away or has as many devices as a test wants.
struct Office : Town {
  using Town::Town;

  /// What alice is answered.
  int send(const std::string& body, std::vector<std::string> lines = {}) {
    return give(body, std::move(lines)).status();
  }
  sip::Message give(const std::string& body, std::vector<std::string> lines = {}) {
    return ask_as(udp(5070), message(body, std::move(lines)), "alice");
  }
  /// It is under way to a device then.
  Sent send_on(const std::string& body) { return from_alice(message(body)); }
  Ask message(const std::string& body, std::vector<std::string> lines = {}) {
    Ask ask = hello;
    ask.call_id = "m-" + std::to_string(++sent_);
    ask.body = body;
    ask.lines.insert(ask.lines.end(), lines.begin(), lines.end());
    return ask;
  }
  /// bob's phone registers, with an instance ID or without.
  void enter_phone(const std::string& instance = {}, std::uint16_t port = 5080) {
    enter(bob, udp(port), "sip:bob@192.0.2.9:" + std::to_string(port),
          instance.empty() ? "" : ";+sip.instance=\"<urn:uuid:" + instance + ">\"");
  }
  /// What a device gets next of what was stored.
  Sent delivered() {
    wait(1ms);
    return take();
  }
  bool is_quiet() {
    wait(1ms);
    return wire.is_silent();
  }
  message::Messages& room() { return node().shard(node().owner(bucket_of(bob))).room<message::Messages>(); }
  const message::Boxes::Counters& counters() { return room().boxes().counters(); }
  /// Messages in the store; or what is to be told to senders, and has been.
  std::size_t records(bool of_outbox = false) const {
    std::size_t count = 0;
    for (const auto& [key, value] : memory.records) {
      const auto& [aor, kind, name] = key;
      const store::Record record{.kind = kind, .aor = aor, .key = name, .value = {}};
      if (kind == store::Kind::message && message::Outbox::owns(record) == of_outbox) ++count;
    }
    return count;
  }

 private:
  unsigned sent_ = 0;
};

}  // namespace beckon::server::test
