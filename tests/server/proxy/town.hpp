#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/server/world.hpp"

namespace beckon::server::test {

/// alice at a UDP phone (port 5070), bob with as many devices as a test wants.
class Town : public World {
 public:
  explicit Town(unsigned shards = 1, Settings settings = default_settings())
      : World(std::move(settings), shards) {
    add_people();
  }
  /// With these rooms.
  Town(unsigned shards, Settings settings, AddRooms rooms)
      : World(std::move(settings), shards, Duration::zero(), std::move(rooms)) {
    add_people();
  }
  void add_people() {
    add_user("alice@example.org");
    add_user("bob@example.org");
  }
  /// `parameters` of Contact; the 200, which has GRUUs where there is an instance.
  sip::Message enter(const std::string& aor, const Hop& hop, const std::string& contact,
                     const std::string& parameters = {}, std::vector<std::string> lines = {}) {
    const std::string name = aor == alice ? "alice" : "bob";
    lines.push_back("Contact: <" + contact + '>' + parameters);
    lines.push_back("Supported: gruu, outbound, path");
    const Ask request{.from = aor,
                      .call_id = "reg-" + contact + parameters,
                      .cseq = registers_ += 2,
                      .lines = std::move(lines)};
    auto answer = ask_as(hop, request, name);
    REQUIRE(answer.status() == 200);
    return answer;
  }
  /// bob at UDP phones, port 5080 and the ones after it.
  void enter_bob(std::uint16_t phones = 1) {
    for (std::uint16_t port = 5080; port < 5080 + phones; ++port)
      enter(bob, udp(port), "sip:bob@192.0.2.9:" + std::to_string(port));
  }
  /// bob behind another proxy.
  void enter_bob_behind(const std::string& path) {
    const Ask request{.from = bob,
                      .call_id = "reg",
                      .lines = {"Contact: <sip:bob@192.0.2.9:5080>", "Path: " + path, "Supported: path"}};
    REQUIRE(ask_as(udp(5080), request, "bob").status() == 200);
  }
  /// What alice sends with credentials, after a challenge; its branch is the one asked for.
  Ask with_credentials(Ask request) {
    const std::string branch = std::exchange(request.branch, {});
    const auto challenge = ask(udp(5070), request);
    REQUIRE(challenge.status() == 407);
    request.branch = branch;
    request.lines.push_back(credentials(challenge, request, "alice", "secret"));
    request.cseq = 2;
    return request;
  }
  /// alice sends it, with credentials.
  Sent from_alice(const Ask& request) {
    receive(udp(5070), text_of(with_credentials(request)));
    return take();
  }
  /// A device answers what it got.
  void answer(const Sent& got, int status, const std::string& tag = "b1", const std::string& lines = {}) {
    auto text = sip::Builder::reply(got.message, status, tag).finish();
    text.insert(text.find("Content-Length"), lines);
    receive(got.to, text);
  }
  /// A device takes the call.
  void accept(const Sent& got, const std::string& tag = "b1") {
    answer(got, 200, tag, "Contact: <" + std::string(got.message.request_uri_text()) + ">\r\n");
  }

 private:
  unsigned registers_ = 0;  ///< CSeq of the last one.
};

inline const Ask hello{.method = "MESSAGE",
                       .uri = bob,
                       .from = alice,
                       .to = bob,
                       .call_id = "m",
                       .lines = {"Content-Type: text/plain"},
                       .body = "hi"};

inline const Ask invite{.method = "INVITE",
                        .uri = bob,
                        .from = alice,
                        .to = bob,
                        .call_id = "i",
                        .lines = {"Contact: <sip:alice@192.0.2.9:5070>"}};

/// What alice sends in the call with bob's device that answered with the tag "b1".
inline Ask in_call(const std::string& method, const std::string& uri, std::vector<std::string> lines) {
  return {.method = method,
          .uri = uri,
          .from = alice,
          .to = "<sip:bob@example.org>;tag=b1",
          .call_id = "i",
          .cseq = 2,
          .lines = std::move(lines)};
}

/// How that device ends the call.
inline Ask callees_bye(std::vector<std::string> lines) {
  return {.method = "BYE",
          .uri = "sip:alice@192.0.2.9:5070",
          .from = bob,
          .to = "<sip:alice@example.org>;tag=from1",
          .call_id = "i",
          .lines = std::move(lines),
          .from_tag = "b1"};
}

/// The CANCEL of what `from_alice` was given.
inline Ask cancel_of(Ask request) {
  request.method = "CANCEL";
  request.cseq = 2;
  request.lines.clear();
  request.body.clear();
  return request;
}

}  // namespace beckon::server::test
