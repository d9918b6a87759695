#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "protocol/documents/dialoginfo.hpp"
#include "protocol/documents/pidf.hpp"
#include "server/calls/calls.hpp"
#include "server/calls/lines.hpp"
#include "server/server.hpp"
#include "tests/server/proxy/town.hpp"

namespace beckon::server::test {

/// A node with all rooms: alice and bob call each other, carol's busy lamps show both.
class Exchange : public Town {
 public:
  explicit Exchange(unsigned shards = 1, Settings settings = lamp_settings())
      : Town(shards, std::move(settings), [](Node& its_node) { server::add_rooms(its_node); }) {
    add_user(carol);
  }
  static Settings lamp_settings() {
    Settings settings = default_settings();
    settings.dialog_watchers = {carol};
    settings.watcher_policy = WatcherPolicy::allow;
    settings.missed_notes = false;
    return settings;
  }

  /// carol watches `of`. Returns what the first document says.
  std::string watch(const std::string& of, const std::string& event = "dialog") {
    const Ask ask{.method = "SUBSCRIBE",
                  .uri = of,
                  .from = carol,
                  .to = of,
                  .call_id = "lamp-" + event + of,
                  .lines = {"Event: " + event, "Contact: <sip:carol@192.0.2.9:5090>", "Expires: 86400"}};
    REQUIRE(tell(udp(5090), ask, "carol").status() == 200);
    return seen(of);
  }

  /// What carol was sent about the dialogs of `of` since the last time, after the pace: "full: early |
  /// partial: terminated(remote-bye)". A dialog never goes back to an earlier state.
  std::string seen(const std::string& of) {
    settle();
    std::string line;
    for (const documents::DialogInfo& info : std::exchange(documents_[of], {})) {
      if (!line.empty()) line += " | ";
      line += info.state == documents::DialogInfo::State::full ? "full:" : "partial:";
      for (const documents::Dialog& dialog : info.dialogs) {
        line += std::string(" ") + to_string(dialog.state);
        if (dialog.event) line += std::string("(") + to_string(*dialog.event) + ")";
      }
      if (const auto registered = documents::is_registered(info); registered && !*registered)
        line += " unregistered";
    }
    return line;
  }
  /// The last of these documents.
  std::string last(const std::string& of) {
    const std::string all = seen(of);
    const auto bar = all.rfind(" | ");
    return bar == all.npos ? all : all.substr(bar + 3);
  }
  /// The dialogs of `of` as carol knows them, ended ones too.
  const std::map<std::string, documents::Dialog>& known(const std::string& of) { return known_[of]; }
  /// The activities of `of` in the last presence document.
  std::vector<std::string> activities(const std::string& of) {
    settle();
    REQUIRE(presence_.contains(of));
    const auto& persons = presence_.at(of).persons;
    return persons.empty() ? std::vector<std::string>() : documents::activities(persons.front());
  }

  /// Lets time pass, and takes the NOTIFYs out of what was sent, answered.
  void settle(Duration by = 1s) {
    take_notifies();
    for (; by > Duration::zero(); by -= 1s) {
      wait(std::min<Duration>(by, 1s));
      take_notifies();
    }
  }

  /// The final answer to a request with the user's credentials.
  sip::Message tell(const Hop& from, Ask request, const std::string& user) {
    receive(from, text_of(request));
    auto answer = answer_to(from, request);
    if (answer.status() != 401 && answer.status() != 407) return answer;
    request.lines.push_back(credentials(answer, request, user, "secret"));
    request.cseq++;
    receive(from, text_of(request));
    return answer_to(from, request);
  }

  /// The final answer that came to a request.
  sip::Message answer_to(const Hop& to, const Ask& request) {
    take_notifies();
    const std::string cseq = std::to_string(request.cseq) + ' ' + request.method;
    const auto found = std::ranges::find_if(wire.sent, [&](const Sent& each) {
      return each.to.remote == to.remote && each.message.status() >= 200 &&
             each.message.header(sip::HeaderId::cseq) == cseq && each.message.call_id() == request.call_id;
    });
    REQUIRE(found != wire.sent.end());
    const sip::Message answer = found->message;
    wire.sent.erase(found);
    return answer;
  }

  /// The oldest message to `port` with that method or status; others stay.
  Sent got(std::uint16_t port, const std::string& what) {
    take_notifies();
    auto& sent = wire.sent;
    const auto found = std::ranges::find_if(sent, [&](const Sent& each) {
      const auto& message = each.message;
      return each.to.remote.port == port && (message.is_request() ? message.method_text() == what
                                                                  : std::to_string(message.status()) == what);
    });
    CAPTURE(port);
    CAPTURE(what);
    REQUIRE(found != sent.end());
    Sent taken = std::move(*found);
    sent.erase(found);
    return taken;
  }
  bool has(std::uint16_t port, const std::string& what) {
    return std::ranges::any_of(wire.sent, [&](const Sent& each) {
      const auto& message = each.message;
      return each.to.remote.port == port && (message.is_request() ? message.method_text() == what
                                                                  : std::to_string(message.status()) == what);
    });
  }

  /// alice calls bob; his device at `port` gets the INVITE.
  Sent ring(const std::string& call_id = "i", std::uint16_t port = 5080,
            std::vector<std::string> lines = {}) {
    Ask call = invite;
    call.call_id = call_id;
    call.branch = "z9hG4bK" + call_id;
    call.lines.insert(call.lines.end(), lines.begin(), lines.end());
    const auto challenge = take_answer(call);
    call.lines.push_back(credentials(challenge, call, "alice", "secret"));
    call.cseq = 2;
    receive(udp(5070), text_of(call));
    return got(port, "INVITE");
  }
  /// A call between alice and bob's device at `port` that was answered.
  Sent talk(const std::string& call_id = "i", std::uint16_t port = 5080, const std::string& lines = {}) {
    const Sent call = ring(call_id, port);
    accept_with(call, lines);
    got(5070, "200");
    return call;
  }
  /// The same, where carol watches bob and has seen it.
  Sent talk_seen(const std::string& lines = {}) {
    enter_bob();
    watch(bob);
    const Sent call = talk("i", 5080, lines);
    CHECK(last(bob) == "partial: confirmed");
    return call;
  }
  void accept_with(const Sent& call, const std::string& lines = {}, const std::string& tag = "b1") {
    answer(call, 200, tag, "Contact: <" + std::string(call.message.request_uri_text()) + ">\r\n" + lines);
  }
  /// alice sends that in her call; bob's device gets it.
  Sent in_talk(const Sent& call, const std::string& method, unsigned cseq = 10,
               const std::string& tag = "b1") {
    receive(udp(5070), text_of(in_talk_of(call, method, cseq, tag)));
    return got(call.to.remote.port, method);
  }
  /// What she sends.
  static Ask in_talk_of(const Sent& call, const std::string& method, unsigned cseq = 10,
                        const std::string& tag = "b1") {
    Ask ask = in_call(method, std::string(call.message.request_uri_text()), {});
    ask.to = "<sip:bob@example.org>;tag=" + tag;
    ask.call_id = std::string(call.message.call_id());
    ask.cseq = cseq;
    ask.lines = {"Contact: <sip:alice@192.0.2.9:5070>"};
    for (const auto route : reversed(call.message.values(sip::HeaderId::record_route)))
      ask.lines.push_back("Route: " + std::string(route));
    return ask;
  }
  void hang_up(const Sent& call) { answer(in_talk(call, "BYE"), 200); }

  std::size_t watched() {
    return sum([](Shard& shard) { return shard.room<calls::Calls>().size(); });
  }
  std::size_t lines() {
    return sum([](Shard& shard) { return shard.room<calls::Lines>().size(); });
  }

 private:
  template <class Count>
  std::size_t sum(const Count& count) {
    std::size_t all = 0;
    for (unsigned i = 0; i < node().size(); ++i) all += count(node().shard(i));
    return all;
  }
  static std::vector<std::string_view> reversed(std::vector<std::string_view> values) {
    std::ranges::reverse(values);
    return values;
  }
  sip::Message take_answer(const Ask& request) {
    Ask first = request;
    first.branch.clear();
    receive(udp(5070), text_of(first));
    return got(5070, "407").message;
  }
  void take_notifies() {
    for (bool any = true; any;) {
      any = false;
      for (auto each = wire.sent.begin(); each != wire.sent.end(); ++each) {
        if (each->message.method() != sip::Method::notify || each->message.is_response()) continue;
        const Sent notify = std::move(*each);
        wire.sent.erase(each);
        keep(notify.message);
        answer(notify, 200);
        any = true;
        break;
      }
    }
  }
  void keep(const sip::Message& notify) {
    if (notify.header(sip::HeaderId::event) == "presence") {
      auto presence = documents::parse_pidf(notify.body());
      REQUIRE(presence.has_value());
      const std::string of = presence->entity;
      presence_.insert_or_assign(of, std::move(*presence));
      return;
    }
    auto info = documents::parse_dialoginfo(notify.body());
    REQUIRE(info.has_value());
    auto& dialogs = known_[info->entity];
    if (info->state == documents::DialogInfo::State::full) dialogs.clear();
    for (const documents::Dialog& dialog : info->dialogs) {
      const auto before = dialogs.find(dialog.id);
      if (before != dialogs.end()) CHECK(before->second.state <= dialog.state);
      dialogs.insert_or_assign(dialog.id, dialog);
    }
    documents_[info->entity].push_back(std::move(*info));
  }

  std::map<std::string, std::vector<documents::DialogInfo>> documents_;
  std::map<std::string, std::map<std::string, documents::Dialog>> known_;
  std::map<std::string, documents::Presence> presence_;
};

}  // namespace beckon::server::test
