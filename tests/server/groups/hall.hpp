#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocol/documents/cpim.hpp"
#include "server/groups/groups.hpp"
#include "server/groups/page.hpp"
#include "server/server.hpp"
#include "tests/server/proxy/town.hpp"

namespace beckon::server::test {

using beckon::xcap::Method;
using beckon::xcap::Response;

inline const std::string lunch = "sip:lunch@example.org";

/// alice, bob, carol and as many more as a test wants, who have rooms; each has a UDP phone of its own.
struct Hall : Town {
  explicit Hall(unsigned shards = 1, Settings settings = default_settings())
      : Town(shards, std::move(settings), [](Node& node) { server::add_rooms(node); }) {
    add_user(carol);
  }

  Shard& shard_of(const std::string& aor) { return node().shard(node().owner(bucket_of(aor))); }
  groups::Groups& groups_of(const std::string& aor) { return shard_of(aor).room<groups::Groups>(); }
  EntryPtr entry(const std::string& aor) { return shard_of(aor).directory().get(aor); }

  /// What `user` is answered over HTTP.
  Response web(const std::string& user, Method method, const std::string& query) {
    groups::Page page(shard_of(user), groups_of(user));
    const auto target = beckon::xcap::parse_user_target("/rooms/users/" + user + query, groups::rooms_root);
    REQUIRE(target.has_value());
    const auto answer = std::make_shared<std::optional<Response>>();
    page.handle(user, *target, method, [answer](Response response) { *answer = std::move(response); });
    wait(1ms);
    REQUIRE(answer->has_value());
    return **answer;
  }
  unsigned put(const std::string& user, const std::string& query) {
    return web(user, Method::put, "?room=" + lunch + query).status;
  }
  unsigned del(const std::string& user, const std::string& query) {
    return web(user, Method::del, "?room=" + lunch + query).status;
  }
  /// The room as `user` sees it.
  std::string show(const std::string& user) { return web(user, Method::get, "?room=" + lunch).body; }
  /// alice's, with bob in it.
  void make_lunch(const std::string& query = {}) {
    REQUIRE(put(alice, "&make" + query) == 201);
    REQUIRE(put(alice, "&member=" + bob) == 200);
  }

  static std::string name_of(const std::string& aor) { return aor.substr(4, aor.find('@') - 4); }
  std::uint16_t port_of(const std::string& aor) {
    const auto [at, is_new] = ports_.try_emplace(aor, static_cast<std::uint16_t>(5100 + ports_.size()));
    return at->second;
  }
  void enter_phone(const std::string& aor, unsigned expires = 3600) {
    const std::string contact = "<sip:" + name_of(aor) + "@192.0.2.9:" + std::to_string(port_of(aor)) + '>';
    const Ask request{.from = aor,
                      .call_id = "reg-" + aor,
                      .cseq = registers_ += 2,
                      .lines = {"Contact: " + contact, "Expires: " + std::to_string(expires)}};
    REQUIRE(ask_as(udp(port_of(aor)), request, name_of(aor)).status() == 200);
  }
  Ask message(const std::string& from, const std::string& body, const std::string& type = "text/plain") {
    return {.method = "MESSAGE",
            .uri = lunch,
            .from = from,
            .to = lunch,
            .call_id = "m-" + std::to_string(++sent_),
            .lines = {"Content-Type: " + type},
            .body = body};
  }
  /// What the sender is answered.
  sip::Message give(const std::string& from, const Ask& request) {
    const Hop hop = udp(port_of(from));
    const auto challenge = ask(hop, request);
    if (challenge.status() != 407 && challenge.status() != 401) return challenge;
    Ask again = request;
    again.lines.push_back(credentials(challenge, request, name_of(from), "secret"));
    again.cseq++;
    receive(hop, text_of(again));
    for (int i = 0; i < 1000; ++i) {
      Sent sent = take();
      if (!sent.message.is_request()) return sent.message;
      arrived_.push_back(std::move(sent));
    }
    FAIL("no answer");
    return challenge;
  }
  int say(const std::string& from, const std::string& body) {
    return give(from, message(from, body)).status();
  }
  static std::string wrapped(const std::string& headers, const std::string& text,
                             const std::string& type = "text/plain") {
    return headers + "\r\n\r\nContent-Type: " + type + "\r\n\r\n" + text;
  }

  /// The next message on the wire that no test has seen.
  Sent next() {
    if (arrived_.empty()) return take();
    Sent first = std::move(arrived_.front());
    arrived_.erase(arrived_.begin());
    return first;
  }

  /// What phones get; each takes it.
  struct Got {
    std::string to{};  ///< Name in the Request-URI.
    documents::Cpim words{};
    sip::Message request{};
  };
  std::vector<Got> collect(int status = 200) {
    wait(5ms);
    std::vector<Got> all;
    while (!arrived_.empty() || !wire.is_silent()) {
      if (arrived_.empty()) arrived_.push_back(take());
      const Sent sent = arrived_.front();
      arrived_.erase(arrived_.begin());
      if (!sent.message.is_request()) continue;
      Got got{
          .to = sip::parse_uri(sent.message.request_uri_text())->user, .words = {}, .request = sent.message};
      if (auto cpim = documents::parse_cpim(sent.message.body()); cpim.has_value()) got.words = *cpim;
      all.push_back(std::move(got));
      answer(sent, status);
      wait(5ms);
    }
    return all;
  }
  /// "bob: hi (alice)", sorted.
  std::vector<std::string> heard() {
    std::vector<std::string> lines;
    for (const Got& got : collect())
      lines.push_back(got.to + ": " + got.words.content + " (" + name_of(got.words.from.uri) + ')');
    std::ranges::sort(lines);
    return lines;
  }
  std::size_t records() const {
    std::size_t count = 0;
    for (const auto& [key, value] : memory.records) count += std::get<1>(key) == store::Kind::room ? 1U : 0U;
    return count;
  }

 private:
  std::map<std::string, std::uint16_t> ports_;
  std::vector<Sent> arrived_;
  unsigned registers_ = 0, sent_ = 0;
};

using Lines = std::vector<std::string>;

}  // namespace beckon::server::test
