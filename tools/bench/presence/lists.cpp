#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tools/bench/load/kamailio.hpp"
#include "tools/bench/presence/https.hpp"
#include "tools/bench/presence/own_cases.hpp"

namespace beckon::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t watchers = 10;
constexpr std::uint32_t publications = 200;  ///< Nobody watches: what a PUBLISH costs by itself.
constexpr int changes = 30;
constexpr double idle_seconds = 3;
constexpr std::chrono::seconds patience{180};
constexpr std::size_t largest_datagram = 65536;

double seconds_since(Clock::time_point began) {
  return std::chrono::duration<double>(Clock::now() - began).count();
}

/// What a list of so many members needs to be more than the configuration's own.
std::string config_for(const Folder& folder, std::uint32_t members) {
  const auto file = folder.path() / "lists.toml";
  std::ofstream(file) << fmt::format("[limits]\nlist_members = {0}\nsubscriptions_per_watcher = {1}\n",
                                     members, 2 * members + 100);
  return file.string();
}

class ListStage {
 public:
  ListStage(Server server, const Options& options, std::uint32_t members)
      : server_(server),
        members_(members),
        running_(server, options.beckond, {.lists = watchers, .list_members = members}, extra(server)),
        driver_(running_.port(), members),
        link_(make_udp_link(running_.port(), 1, largest_datagram)),
        seen_(watchers, std::vector<std::uint32_t>(members)) {}

  void run() {
    if (server_ == Server::beckond) put_lists();
    publish(members_, 64);
    const double publish_cpu = cost([this] {
                                 for (std::uint32_t i = 0; i < publications; ++i) publish(1, 1);
                               }) /
                               publications;
    const double subscribe_cpu = cost([this] { subscribe(); }) / watchers;
    const auto full_notifies = notifies_, full_octets = octets_;
    settle();
    notifies_ = octets_ = 0;
    const double change_cpu = cost([this] {
                                for (int i = 0; i < changes; ++i) change();
                              }) /
                              changes;
    fmt::print(
        "{{\"bench\":\"presence\",\"case\":\"lists\",\"server\":\"{}\",\"members\":{},\"watchers\":{},"
        "\"subscribe_cpu_ms\":{:.3f},\"subscribe_notifies\":{:.1f},\"subscribe_octets\":{},"
        "\"publish_cpu_us\":{:.1f},\"change_cpu_us\":{:.1f},\"list_notify_cpu_us\":{:.2f},"
        "\"list_notifies\":{:.2f},\"list_notify_octets\":{}}}\n",
        to_string(server_), members_, watchers, 1e3 * subscribe_cpu,
        static_cast<double>(full_notifies) / watchers, full_octets / watchers, 1e6 * publish_cpu,
        1e6 * change_cpu, 1e6 * (change_cpu - publish_cpu) / watchers,
        static_cast<double>(notifies_) / changes / watchers, octets_ / std::max<std::uint64_t>(notifies_, 1));
    std::fflush(stdout);
  }

 private:
  std::vector<std::string> extra(Server server) {
    if (server != Server::beckond) return {};
    return {"--listen", "https:127.0.0.1:0", "--config", config_for(folder_, members_)};
  }

  void put_lists() {
    Https https(running_.port("https"));
    for (std::uint32_t i = 0; i < watchers; ++i) {
      const auto path = fmt::format("/xcap/rls-services/users/sip:{}@{}/index", user('w', i), domain);
      const int status = https.put(path, "application/rls-services+xml", list_document(i, members_));
      if (status / 100 != 2) throw std::runtime_error(fmt::format("lists: PUT is answered {}", status));
    }
  }

  /// The first `actors` presentities.
  void publish(std::uint32_t actors, std::uint32_t window) {
    const Totals totals = driver_.run({.operation = Operation::publish, .actors = actors, .window = window});
    if (totals.failures > 0) throw std::runtime_error("lists: a PUBLISH failed");
  }

  /// Processor time of the server, without what it needs at rest.
  template <class Work>
  double cost(const Work& work) {
    const double rest = running_.subject().cpu_seconds();
    const auto resting = Clock::now();
    while (seconds_since(resting) < idle_seconds) receive(10);
    const double idle = (running_.subject().cpu_seconds() - rest) / seconds_since(resting);
    const double before = running_.subject().cpu_seconds();
    const auto began = Clock::now();
    work();
    return running_.subject().cpu_seconds() - before - idle * seconds_since(began);
  }

  void subscribe() {
    for (std::uint32_t i = 0; i < watchers; ++i) {
      const std::string name = user('w', i), list = fmt::format("list{}", i);
      const std::string uri = fmt::format("sip:{}@{}", list, domain);
      link_->send({print({.method = "SUBSCRIBE",
                          .uri = uri,
                          .from = name,
                          .to = list,
                          .to_tag = {},
                          .call_id = fmt::format("l{:08x}@127.0.0.1", i),
                          .headers = fmt::format("Contact: <sip:{}@127.0.0.1:{}>\r\nEvent: presence\r\n"
                                                 "Expires: 3600\r\nSupported: eventlist\r\n"
                                                 "Accept: application/pidf+xml, application/rlmi+xml, "
                                                 "multipart/related\r\n",
                                                 name, link_->port()),
                          .body = {}},
                         {i, 1}, link_->port())});
    }
    wait_until([this] {
      return std::ranges::all_of(seen_, [](const auto& states) {
        return std::ranges::all_of(states, [](std::uint32_t count) { return count > 0; });
      });
    });
  }

  /// One member publishes, and all lists say so.
  void change() {
    const auto before = seen_;
    publish(1, 1);
    wait_until([&] {
      for (std::uint32_t i = 0; i < watchers; ++i)
        if (seen_[i][0] == before[i][0]) return false;
      return true;
    });
  }

  template <class Done>
  void wait_until(const Done& done) {
    const auto began = Clock::now();
    while (!done()) {
      receive(5);
      if (Clock::now() - began > patience)
        throw std::runtime_error(fmt::format("lists: {} does not say all", to_string(server_)));
    }
  }
  /// Until nothing has come for a while.
  void settle() {
    for (auto before = notifies_ + 1; before != notifies_;) {
      before = notifies_;
      const auto began = Clock::now();
      while (seconds_since(began) < idle_seconds) receive(10);
    }
  }

  void receive(int milliseconds) {
    link_->receive(milliseconds, [this](std::string_view text) {
      if (const int status = status_in(text); status >= 300)
        throw std::runtime_error(fmt::format("lists: {} answers {}", to_string(server_), status));
      if (!text.starts_with("NOTIFY ")) return;
      answers_.push_back(ok(text));
      const auto number = hexadecimal(header(text, "Call-ID").substr(1, 8));
      if (!number || *number >= watchers) return;
      ++notifies_;
      octets_ += text.size();
      constexpr std::string_view entity = "entity=\"sip:p";
      for (auto at = text.find(entity); at != text.npos; at = text.find(entity, at + 1)) {
        const auto member = std::strtoul(text.data() + at + entity.size(), nullptr, 10);
        if (member < members_) ++seen_[*number][member];
      }
    });
    for (const std::string& each : answers_) link_->send({each});
    answers_.clear();
  }

  Folder folder_;
  Server server_;
  std::uint32_t members_;
  Running running_;
  Driver driver_;
  std::unique_ptr<Link> link_;
  std::vector<std::vector<std::uint32_t>> seen_;  ///< How often each list has said the state of each member.
  std::vector<std::string> answers_;
  std::uint64_t notifies_ = 0, octets_ = 0;
};

}  // namespace

void run_lists(const Options& options) {
  for (const std::uint32_t members : {100u, 1000u})
    for (const Server server : {Server::beckond, Server::kamailio}) {
      const bool is_there = options.kamailio && kamailio_can({.lists = 1});
      if (server == Server::beckond || is_there) ListStage(server, options, members).run();
    }
}

}  // namespace beckon::bench
