#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/archive/archive.hpp"
#include "server/archive/history.hpp"
#include "tests/server/world.hpp"

namespace beckon::server::test {

using archive::MessageArchive;
using archive::MessageDirection;
using archive::MessageState;

/// Users whose messages are noted as a room notes them.
class ArchiveTown {
 public:
  explicit ArchiveTown(Settings settings = World::default_settings(), unsigned shards = 1,
                       Duration store_latency = Duration::zero())
      : world(std::move(settings), shards, store_latency) {}

  Shard& shard_of(const std::string& aor) { return world.node().shard(world.node().owner(bucket_of(aor))); }
  archive::Archive& archive_of(const std::string& aor) { return shard_of(aor).room<archive::Archive>(); }
  EntryPtr entry(const std::string& aor) { return shard_of(aor).directory().get(aor); }

  /// A MESSAGE as it reaches the room of messages.
  Request request(const std::string& from, const std::string& to, const std::string& text,
                  const std::string& type = "text/plain") {
    Ask ask{.method = "MESSAGE", .uri = to, .from = from, .to = to};
    ask.call_id = "call-" + std::to_string(++calls_);
    ask.lines = {"Content-Type: " + type};
    ask.body = text;
    auto message = sip::Message::parse(share(world.text_of(ask)), {.message = 1 << 20});
    REQUIRE(message.has_value());
    Request made;
    made.bucket = bucket_of(to);
    made.message = *message;
    made.identity = {from, true};
    made.now = world.clock.at;
    return made;
  }
  /// The id of the last one.
  std::string id() const { return "call-" + std::to_string(calls_) + ":1"; }
  void note(const std::string& from, const std::string& to, const std::string& text,
            MessageState state = MessageState::delivered, const std::string& type = "text/plain") {
    archive_of(to).note(request(from, to, text, type), state);
    world.run();
  }
  void mark(const std::string& from, const std::string& to, const std::string& id, MessageState state) {
    archive_of(to).mark(bucket_of(to), from, to, id, state);
    world.run();
  }

  MessageArchive page(const std::string& user, const archive::Selection& selection = {},
                      std::size_t limit = 50) {
    return archive_of(user).page(*entry(user), selection, limit);
  }
  /// "< hi (delivered)": what is sent, "> hi (...)": what is received; oldest first.
  std::vector<std::string> lines(const std::string& user, const archive::Selection& selection = {}) {
    std::vector<std::string> all;
    for (const auto& each : page(user, selection).messages)
      all.push_back((each.direction == MessageDirection::sent ? "< " : "> ") + each.text + " (" +
                    to_string(each.state) + ')');
    return all;
  }
  int erase(const std::string& user, const archive::Selection& selection) {
    const auto status = std::make_shared<int>(0);  // the store may answer later
    archive_of(user).erase(*entry(user), selection, [status](int answer) { *status = answer; });
    world.run();
    return *status;
  }
  int read(const std::string& user, const archive::Selection& selection) {
    const auto status = std::make_shared<int>(0);  // the store may answer later
    archive_of(user).set_displayed(*entry(user), selection, [status](int answer) { *status = answer; });
    world.run();
    return *status;
  }

  World world;

 private:
  unsigned calls_ = 0;
};

using Lines = std::vector<std::string>;

}  // namespace beckon::server::test
