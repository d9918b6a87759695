#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/documents/multipart.hpp"
#include "protocol/documents/pidf.hpp"
#include "protocol/documents/rlmi.hpp"
#include "server/lists/back_ends.hpp"
#include "server/lists/lists.hpp"
#include "server/server.hpp"
#include "server/store/record.hpp"
#include "server/subscription/subscriptions.hpp"
#include "server/xcap/documents.hpp"
#include "tests/server/world.hpp"

/// alice's lists on a whole node: what she has pieced together of one, and what happens around it.
namespace beckon::server::test {

inline const std::string dave = "sip:dave@example.org";
inline const std::string friends = "sip:friends@example.org";

inline std::string services(const std::string& inside) {
  return R"(<rls-services xmlns="urn:ietf:params:xml:ns:rls-services" )"
         R"(xmlns:rl="urn:ietf:params:xml:ns:resource-lists">)" +
         inside + "</rls-services>";
}
inline std::string service(const std::string& uri, const std::vector<std::string>& members) {
  std::string text = "<service uri=\"" + uri + "\"><list>";
  for (const auto& member : members) text += "<rl:entry uri=\"" + member + "\"/>";
  return text + "</list></service>";
}
inline std::string rules(const std::string& who, const std::string& handling) {
  return R"(<ruleset xmlns="urn:ietf:params:xml:ns:common-policy" xmlns:pr="urn:ietf:params:xml:ns:pres-rules">)"
         R"(<rule id="a"><conditions><identity><one id=")" +
         who + R"("/></identity></conditions><actions><pr:sub-handling>)" + handling +
         R"(</pr:sub-handling></actions><transformations><pr:provide-services><pr:all-services/></pr:provide-services>)"
         R"(<pr:provide-all-attributes/></transformations></rule></ruleset>)";
}
inline std::string pidf(const std::string& who, const std::string& note, const std::string& basic = "open") {
  return R"(<presence xmlns="urn:ietf:params:xml:ns:pidf" entity=")" + who +
         R"("><tuple id="t"><status><basic>)" + basic + "</basic></status><note>" + note +
         "</note></tuple></presence>";
}

/// What a watcher has pieced together of a list (RFC 4662 5.6).
struct ListCopy {
  struct Row {
    std::string state, reason, type, body;
    std::string word() const { return reason.empty() ? state : state + ';' + reason; }
  };
  std::map<std::string, Row> rows;
  std::optional<std::uint32_t> version;
  int full = 0, partial = 0;

  void take(std::string_view body, std::string_view type) {
    CHECK(type.find("boundary=\"") == type.npos);
    const auto multipart = documents::parse_multipart(body, type);
    REQUIRE(multipart.has_value());
    take(multipart->parts, root_of(*multipart, type));
  }
  void take(const std::vector<documents::Part>& parts, const documents::Part& root) {
    CHECK(root.content_type().starts_with("application/rlmi+xml"));
    const auto rlmi = documents::parse_rlmi(root.body);
    REQUIRE(rlmi.has_value());
    if (version && !rlmi->is_full) CHECK(rlmi->version == *version + 1);
    if (!version) CHECK(rlmi->is_full);
    version = rlmi->version;
    ++(rlmi->is_full ? full : partial);
    if (rlmi->is_full) rows.clear();
    for (const auto& resource : rlmi->resources) {
      Row& row = rows[resource.uri];
      if (resource.instances.empty()) continue;
      REQUIRE(resource.instances.size() == 1);
      const auto& instance = resource.instances.front();
      row = {to_string(instance.state), instance.reason, {}, {}};
      if (instance.cid.empty()) continue;
      const auto part =
          std::ranges::find_if(parts, [&](const auto& each) { return each.content_id() == instance.cid; });
      REQUIRE(part != parts.end());
      row.type = part->content_type();
      row.body = part->body;
    }
  }
  std::string state(const std::string& uri) const {
    const auto found = rows.find(uri);
    return found == rows.end() ? "absent" : found->second.word();
  }
  std::string note(const std::string& uri) const {
    const auto presence = documents::parse_pidf(rows.at(uri).body);
    REQUIRE(presence.has_value());
    return presence->tuples.empty() || presence->tuples.front().notes.empty()
               ? std::string()
               : presence->tuples.front().notes.front().text;
  }
};

class Street {
 public:
  explicit Street(unsigned shards = 1, Settings settings = quick()) : world(settings, shards, 0ms, rooms) {
    for (const auto& user : {alice, bob, carol, dave}) world.add_user(user);
  }
  static Settings quick() {
    Settings settings = World::default_settings();
    settings.watcher_policy = WatcherPolicy::allow;
    return settings;
  }
  static void rooms(Node& node) { add_rooms(node); }

  Shard& shard_of(const std::string& aor) { return world.node().shard(world.node().owner(bucket_of(aor))); }

  /// As XCAP would write it; empty: it is removed.
  void put(const std::string& owner, const std::string& key, const std::string& text) {
    Shard& shard = shard_of(owner);
    store::Record record;
    record.kind = store::Kind::document;
    record.aor = owner;
    record.key = key;
    record.value = store::RecordWriter().text("e").text(text).finish();
    shard.room<server::xcap::Documents>().restore(record, world.clock.now());
    shard.bus().publish(store::Kind::document, owner, {});
    pass();
  }
  sip::Message send(Ask ask, const std::string& user, const Hop& from) {
    ask.from = user;
    ask.cseq = cseq += 2;
    return final_of(ask, user, from);
  }
  void publish(const std::string& who, const std::string& note, const std::string& basic = "open") {
    Ask ask{.method = "PUBLISH", .uri = who, .to = who, .call_id = "publish" + who};
    ask.lines = {"Event: presence", "Content-Type: application/pidf+xml"};
    if (!etags[who].empty()) ask.lines.push_back("SIP-If-Match: " + etags[who]);
    ask.body = pidf(who, note, basic);
    const auto answer = send(ask, who, tls(9));
    REQUIRE(answer.status() == 200);
    etags[who] = std::string(answer.header(sip::HeaderId::sip_etag));
    pass();
  }
  /// A new subscription of alice's; the dialog's To is kept for `refresh`.
  sip::Message subscribe(const std::string& uri, std::vector<std::string> lines = supported(),
                         const std::string& body = {}, const std::string& event = "presence") {
    Ask ask{.method = "SUBSCRIBE", .uri = uri, .to = uri, .call_id = "list" + std::to_string(++calls)};
    call_id = ask.call_id;
    lines.push_back("Event: " + event);
    ask.lines = std::move(lines);
    ask.lines.push_back("Contact: <sip:alice@192.0.2.9:5070>");
    ask.body = body;
    copy = {};
    const auto answer = send(ask, alice, hop);
    to = std::string(answer.header(sip::HeaderId::to));
    pass();
    return answer;
  }
  sip::Message refresh(unsigned expires, std::vector<std::string> lines = supported(),
                       const std::string& body = {}, const std::string& event = "presence") {
    Ask ask{.method = "SUBSCRIBE", .uri = friends, .to = to, .call_id = call_id};
    ask.lines = std::move(lines);
    ask.lines.push_back("Event: " + event);
    ask.lines.push_back("Expires: " + std::to_string(expires));
    ask.lines.push_back("Contact: <sip:alice@192.0.2.9:5070>");
    ask.body = body;
    const auto answer = send(ask, alice, hop);
    pass();
    return answer;
  }
  static std::vector<std::string> supported() {
    return {"Supported: eventlist", "Accept: multipart/related", "Accept: application/pidf+xml",
            "Accept: application/rlmi+xml", "Accept: application/reginfo+xml"};
  }
  static std::vector<std::string> carried() {
    auto lines = supported();
    lines.push_back("Require: recipient-list-subscribe");
    lines.push_back("Content-Type: application/resource-lists+xml");
    lines.push_back("Content-Disposition: recipient-list");
    return lines;
  }
  static std::string recipients(const std::vector<std::string>& members) {
    std::string text = R"(<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list>)";
    for (const auto& member : members) text += "<entry uri=\"" + member + "\"/>";
    return text + "</list></resource-lists>";
  }
  /// Time for what shards say to each other, and for the window; NOTIFYs are answered and go into the copy.
  void pass(Duration by = 200ms) {
    // In steps that are shorter than anybody waits for an answer.
    const auto steps = std::max<Duration::rep>(20, by / Duration(1s));
    for (Duration::rep i = 0; i < steps; ++i) {
      take_all();
      world.wait(by / steps);
    }
    take_all();
  }
  void take_all() {
    while (!world.wire.is_silent()) {
      const Sent sent = world.take();
      if ((elsewhere && elsewhere(sent)) || !sent.message.is_request()) continue;
      if (is_dead) continue;
      states.push_back(std::string(sent.message.header(sip::HeaderId::subscription_state)));
      last_size = sent.message.text().size();
      largest = std::max(largest, last_size);
      if (sent.message.header(sip::HeaderId::require) == "eventlist") {
        listed.push_back(sent.message);
        if (!sent.message.body().empty())
          copy.take(sent.message.body(), sent.message.header(sip::HeaderId::content_type));
      } else {
        others.push_back(sent.message);
      }
      world.receive(sent.to, sip::Builder::reply(sent.message, 200, "").finish());
    }
  }
  std::size_t watches(const std::string& of) {
    std::size_t count = 0;
    auto& subscriptions = shard_of(of).room<subscription::Subscriptions>();
    const EntryPtr entry = shard_of(of).directory().get(of);
    subscriptions.each(*subscriptions.find("presence"), *entry, [&](const auto&) { ++count; });
    return count;
  }
  /// Subscriptions and interests of all shards.
  std::size_t size() {
    std::size_t count = 0;
    for (unsigned i = 0; i < world.node().size(); ++i)
      count += world.node().shard(i).room<subscription::Subscriptions>().size() +
               world.node().shard(i).room<lists::Lists>().size() +
               world.node().shard(i).room<lists::BackEnds>().size();
    return count;
  }

  World world;
  /// Takes what goes to another domain: true for that.
  std::function<bool(const Sent& sent)> elsewhere;
  Hop hop = tls(5);
  ListCopy copy;
  std::vector<std::string> states;
  std::vector<sip::Message> listed;  ///< NOTIFYs of lists,
  std::vector<sip::Message> others;  ///< and the others.
  std::size_t last_size = 0, largest = 0;
  bool is_dead = false;

 private:
  sip::Message final_of(Ask ask, const std::string& user, const Hop& from) {
    world.receive(from, world.text_of(ask));
    auto challenge = next_response();
    if (challenge.status() != 401) return challenge;
    ask.lines.push_back(World::credentials(challenge, ask, user.substr(4, user.find('@') - 4), "secret"));
    ask.branch.clear();
    ++ask.cseq;
    world.receive(from, world.text_of(ask));
    return next_response();
  }
  /// NOTIFYs that came first wait.
  sip::Message next_response() {
    for (int i = 0; i < 50; ++i) {
      auto& sent = world.wire.sent;
      const auto found =
          std::ranges::find_if(sent, [](const Sent& each) { return !each.message.is_request(); });
      if (found != sent.end()) {
        const sip::Message message = found->message;
        sent.erase(found);
        return message;
      }
      world.wait(1ms);
    }
    FAIL("no answer");
    return world.take().message;
  }

  std::map<std::string, std::string> etags;
  unsigned cseq = 0;
  int calls = 0;
  std::string to, call_id;
};

}  // namespace beckon::server::test
