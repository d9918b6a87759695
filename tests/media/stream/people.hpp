#pragma once

#include <unistd.h>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "media/stream/calls.hpp"

/// Two people who know each other's keys, and permit each other automatic direct calls.
namespace beckon::stream::test {

/// A folder that goes with its owner.
class Folder {
 public:
  explicit Folder(const std::string& name)
      : path_(std::filesystem::temp_directory_path() /
              ("beckon-" + name + "-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

class TrustAll final : public direct::Trust {
 public:
  bool is_verified(std::string_view, const crypto::Key32&) override { return true; }
  bool is_pinned(std::string_view, const direct::Ident&) override { return true; }
};

/// Keeps what a user agent would show.
class Watching final : public User {
 public:
  void on_event(const direct::Event& event, Time) override {
    if (const auto* const incoming = std::get_if<direct::Incoming>(&event)) call = incoming->call;
    answered = answered || std::holds_alternative<direct::Answered>(event);
    active = active || std::holds_alternative<direct::Active>(event);
    if (const auto* const wanted = std::get_if<direct::FallbackWanted>(&event)) fallback = wanted->why;
    if (const auto* const over = std::get_if<direct::Ended>(&event)) ended = over->reason;
  }
  void on_first_media(direct::CallId, Direction direction, Duration after) override {
    (direction == Direction::sent ? first_sent : first_received) = after;
  }
  void on_finished(direct::CallId, const CallStatistics& figures) override { statistics = figures; }

  direct::CallId call = 0;
  bool answered = false;
  bool active = false;
  std::optional<direct::FallbackWanted::Why> fallback;
  std::optional<direct::Reason> ended;
  std::optional<Duration> first_sent;
  std::optional<Duration> first_received;
  std::optional<CallStatistics> statistics;
};

inline AudioCodec opus() {
  return {.payload_type = 111, .name = "opus", .clock_rate = 48000, .maxrate = 64000};
}

struct Person {
  Person(std::string aor, Random& random) {
    identity.aor = std::move(aor);
    identity.device = crypto::make_x25519(random);
    random.fill(epoch);
    random.fill(secret);
  }

  /// Publishes: from now on holders of a grant can call `calls`.
  void publish(Calls& calls, const std::string& permitted, Time now) {
    calls.set_codecs({opus()});
    direct::Endpoint& endpoint = calls.endpoint();
    endpoint.set_policy(policy());
    direct::Published published;
    published.mode = ds1::Mode::automatic;
    published.media.push_back({.codecs = {{.payload_type = 111, .clock_rate = 48000}}});
    endpoint.set_published(std::move(published));
    endpoint.set_epoch(epoch, secret, now);
    endpoint.set_permit(permitted, ds1::Mode::automatic, now);
  }

  static direct::Policy policy() {
    direct::Policy policy;
    policy.reachable = true;
    policy.networks.loopback = true;
    return policy;
  }

  /// What `watcher` reads in this person's presence.
  direct::Offer offer(const std::string& watcher, const Address& at, Random& random) const {
    direct::Offer offer;
    offer.aor = identity.aor;
    offer.device_key = identity.device.pub;
    offer.verified = true;
    offer.epoch = epoch;
    offer.grant = ds1::make_grant(secret, epoch, {ds1::Mode::automatic, watcher}, random);
    offer.candidates.push_back({direct::Candidate::Type::host, 2130706431, at});
    offer.mode = ds1::Mode::automatic;
    offer.media.push_back({.payload_type = 111, .clock_rate = 48000});
    return offer;
  }

  direct::Identity identity;
  ds1::Epoch epoch{};
  crypto::Key32 secret{};
  TrustAll trust;
  Watching watching;
};

}  // namespace beckon::stream::test
