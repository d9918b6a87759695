#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <thread>

#include "tools/bench/presence/https.hpp"
#include "tools/bench/presence/own_cases.hpp"

namespace beckon::bench {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds ping_every{1};
constexpr milliseconds calm{300};  ///< Without a NOTIFY: the action is over.
constexpr int rounds = 5;
constexpr std::uint32_t last_subscriptions = 100;
constexpr std::string_view target = "/xcap/pres-rules/users/sip:p0@example.org/index";

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

/// Another user: an OPTIONS and a REGISTER each millisecond, whatever became of the earlier ones.
class Pinger {
 public:
  explicit Pinger(std::uint16_t server) : link_(make_udp_link(server, 1)), due_(Clock::now()) {}

  void begin() {
    waits_[0].clear();
    waits_[1].clear();
    due_ = Clock::now();
    first_ = static_cast<std::uint32_t>(sent_.size());
  }

  void step() {
    for (; Clock::now() >= due_; due_ += ping_every) {
      const auto number = static_cast<std::uint32_t>(sent_.size());
      sent_.push_back(due_);
      const std::string options = text("OPTIONS", 0, number), bind = text("REGISTER", 1, number);
      link_->send({options, bind});
    }
    link_->receive(0, [this](std::string_view answer) {
      const auto ticket = ticket_in(answer);
      if (!ticket || ticket->slot > 1 || ticket->serial < first_ || ticket->serial >= sent_.size()) return;
      if (status_in(answer) == 200)
        waits_[ticket->slot].push_back(seconds(Clock::now() - sent_[ticket->serial]));
    });
  }

  /// "options_p50_ms": ... of both.
  std::string report() {
    std::string text;
    for (const int kind : {0, 1}) {
      auto& all = waits_[static_cast<std::size_t>(kind)];
      std::sort(all.begin(), all.end());
      const auto at = [&](double part) {
        return all.empty() ? 0
                           : 1000 * all[static_cast<std::size_t>(part * static_cast<double>(all.size() - 1))];
      };
      const char* name = kind == 0 ? "options" : "register";
      text += fmt::format(",\"{0}_p50_ms\":{1:.2f},\"{0}_p99_ms\":{2:.2f},\"{0}_max_ms\":{3:.2f}", name,
                          at(0.5), at(0.99), at(1));
    }
    return text;
  }

 private:
  std::string text(std::string_view method, std::uint32_t slot, std::uint32_t number) {
    const std::string call = slot == 0 ? fmt::format("o{}", number) : "ping";
    const std::string contact = fmt::format("Contact: <sip:ping@127.0.0.1:{}>\r\n", link_->port());
    return print({.method = method,
                  .uri = "sip:example.org",
                  .from = "ping",
                  .to = slot == 0 ? "" : "ping",
                  .to_tag = {},
                  .call_id = call,
                  .cseq = number + 1,
                  .headers = contact,
                  .body = {}},
                 {slot, number}, link_->port());
  }

  std::unique_ptr<Link> link_;
  Clock::time_point due_;
  std::uint32_t first_ = 0;  ///< Earlier ones do not count.
  std::vector<Clock::time_point> sent_;
  std::vector<double> waits_[2];
};

/// Allows everybody. `notes`: whether watchers see notes. `stranger`: a further rule that concerns no
/// watcher.
std::string rules(bool notes, int stranger) {
  return fmt::format(
      "<?xml version=\"1.0\"?><ruleset xmlns=\"urn:ietf:params:xml:ns:common-policy\""
      " xmlns:p=\"urn:ietf:params:xml:ns:pres-rules\"><rule "
      "id=\"all\"><conditions><identity><many/></identity>"
      "</conditions><actions><p:sub-handling>allow</p:sub-handling></actions><transformations>"
      "<p:provide-services><p:all-services/></p:provide-services>{}</transformations></rule>"
      "<rule id=\"stranger\"><conditions><identity><one "
      "id=\"sip:stranger{}@example.org\"/></identity></conditions>"
      "<actions><p:sub-handling>block</p:sub-handling></actions></rule></ruleset>",
      notes ? "<p:provide-note>true</p:provide-note>" : "", stranger);
}

class Stage {
 public:
  Stage(const Options& options, std::uint32_t watchers, Form form = Form::full)
      : running_(Server::beckond, options.beckond, {}, {"--listen", "https:127.0.0.1:0"}),
        watchers_(watchers),
        form_(form),
        driver_(running_.port(), 1),
        pinger_(running_.port()),
        https_(running_.port("https")) {
    expect(driver_.run({.operation = Operation::publish, .actors = 1}));
    put(rules(true, 0));
    const std::uint32_t first = watchers > last_subscriptions ? watchers - last_subscriptions : 0;
    expect(driver_.run({.operation = Operation::subscribe, .actors = first, .form = form}));
    const double cpu = running_.subject().cpu_seconds();
    expect(driver_.run({.operation = Operation::subscribe, .actors = watchers, .form = form}));
    subscribe_microseconds_ = 1e6 * (running_.subject().cpu_seconds() - cpu) / (watchers - first);
    pinger_.begin();
    settle();
    idle_ = idle_load();
  }

  void run() {
    report("publish", [this] { publish(); });
    report("put, same views", [this] { put_beside(rules(true, ++stranger_)); });
    report("put, other views", [this] { put_beside(rules(notes_ = !notes_, stranger_)); });
  }

  void run_forms() {
    report("publish", [this] { publish(); });
    report("refresh", [this] {
      driver_.begin({.operation = Operation::refresh, .actors = watchers_, .form = form_});
      while (!driver_.is_done()) step();
      expect(driver_.end());
    });
  }

  void run_last_notify() {
    constexpr int publications = 200;
    std::vector<double> waits;
    pinger_.begin();
    for (int i = 0; i < publications; ++i) {
      const auto began = Clock::now();
      publish();
      waits.push_back(1000 * seconds(Clock::now() - began));
    }
    std::sort(waits.begin(), waits.end());
    fmt::print(
        "{{\"bench\":\"presence\",\"case\":\"last-notify\",\"form\":\"{}\",\"watchers\":{},\"p50_ms\":{:.2f},"
        "\"p99_ms\":{:.2f}{}}}\n",
        name_of(form_), watchers_, waits[waits.size() / 2], waits[waits.size() * 99 / 100], pinger_.report());
    std::fflush(stdout);
  }

 private:
  static const char* name_of(Form form) {
    return form == Form::full ? "full" : form == Form::partial ? "partial" : "conditional";
  }

  void step() {
    driver_.step(0);
    pinger_.step();
  }

  /// Until the last NOTIFY of it has come.
  void publish() {
    driver_.begin({.operation = Operation::publish, .actors = 1, .notifies = watchers_, .form = form_});
    while (!driver_.is_done()) step();
    expect(driver_.end());
  }

  void expect(const Totals& totals) {
    if (totals.failures > 0) throw std::runtime_error("slices: a request failed");
  }

  void put(const std::string& document) {
    if (https_.put(target, "application/auth-policy+xml", document) / 100 != 2)
      throw std::runtime_error("slices: PUT failed");
  }

  /// The PUT waits in a thread of its own, so that the others go on.
  void put_beside(const std::string& document) {
    std::atomic<bool> done = false;
    std::exception_ptr failure;
    std::jthread thread([&] {
      try {
        put(document);
      } catch (...) {
        failure = std::current_exception();
      }
      done = true;
    });
    while (!done) step();
    if (failure) std::rethrow_exception(failure);
  }

  /// Until no NOTIFY has come for a while. Returns when the last one came.
  Clock::time_point settle() {
    auto last = Clock::now();
    for (auto seen = driver_.notifies(); Clock::now() - last < calm;) {
      step();
      if (driver_.notifies() != seen) last = Clock::now();
      seen = driver_.notifies();
    }
    return last;
  }

  /// CPU seconds a second that the server needs for the pings alone.
  double idle_load() {
    pinger_.begin();
    const auto began = Clock::now();
    const double cpu = running_.subject().cpu_seconds();
    while (Clock::now() - began < milliseconds(2000)) step();
    print("idle", running_.subject().cpu_seconds() - cpu, 2, 0, 0);
    return (running_.subject().cpu_seconds() - cpu) / seconds(Clock::now() - began);
  }

  void report(const std::string& action, const std::function<void()>& act) {
    std::vector<double> cpu, wall;
    pinger_.begin();
    const auto notified = driver_.notifies(), octets = driver_.notify_octets();
    for (int i = 0; i < rounds; ++i) {
      const auto began = Clock::now();
      const double before = running_.subject().cpu_seconds();
      act();
      wall.push_back(seconds(settle() - began));
      cpu.push_back(running_.subject().cpu_seconds() - before - idle_ * seconds(Clock::now() - began));
    }
    print(action, median(cpu), median(wall), (driver_.notifies() - notified) / rounds,
          (driver_.notify_octets() - octets) / rounds);
  }

  void print(const std::string& action, double cpu, double wall, std::uint64_t notifies,
             std::uint64_t octets) {
    fmt::print(
        "{{\"bench\":\"presence\",\"case\":\"slices\",\"form\":\"{}\",\"watchers\":{},\"action\":\"{}\","
        "\"cpu_ms\":{:.2f},\"wall_ms\":{:.1f},\"notifies\":{},\"notify_octets\":{},\"subscribe_cpu_us\":{:."
        "1f}{}}}\n",
        name_of(form_), watchers_, action, 1000 * cpu, 1000 * wall, notifies, octets, subscribe_microseconds_,
        pinger_.report());
    std::fflush(stdout);
  }

  Running running_;
  std::uint32_t watchers_;
  Form form_;
  Driver driver_;
  Pinger pinger_;
  Https https_;
  double subscribe_microseconds_ = 0, idle_ = 0;
  int stranger_ = 0;  ///< Who the further rule is about.
  bool notes_ = true;
};

}  // namespace

void run_slices(const Options& options) {
  for (const std::uint32_t watchers : {100u, 1000u, 10000u}) Stage(options, watchers).run();
}

void run_forms(const Options& options) {
  for (const Form form : {Form::full, Form::conditional, Form::partial})
    Stage(options, 10000, form).run_forms();
}

void run_last_notify(const Options& options) {
  for (const Form form : {Form::full, Form::partial}) Stage(options, 1000, form).run_last_notify();
}

}  // namespace beckon::bench
