#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "protocol/base/timers.hpp"
#include "protocol/locate/dns.hpp"

/// A DNS without octets and sockets, for the tests of its clients.
namespace beckon::locate::test {

inline Answer addresses(const std::vector<std::string>& ips, Duration ttl = 60s) {
  Answer answer{.kind = Answer::Kind::found, .ttl = ttl};
  for (const auto& ip : ips) answer.addresses.push_back(*parse_ip(ip));
  return answer;
}
inline Answer services(std::vector<Srv> records, Duration ttl = 60s) {
  return {.kind = Answer::Kind::found, .services = std::move(records), .ttl = ttl};
}
inline Answer pointers(std::vector<Naptr> records, Duration ttl = 60s) {
  return {.kind = Answer::Kind::found, .pointers = std::move(records), .ttl = ttl};
}
inline Answer alias(std::string name) {
  return {.kind = Answer::Kind::found, .alias = std::move(name), .ttl = 60s};
}

class Zone final : public Dns {
 public:
  Zone(TimerQueue& timers, Clock& clock) : timers_(timers), clock_(clock) {}

  void set(const std::string& name, Type type, Answer answer) { answers_[{name, type}] = std::move(answer); }
  void clear() { answers_.clear(); }
  /// How often it was asked.
  int asked(const std::string& name, Type type) const {
    const auto found = asked_.find({name, type});
    return found == asked_.end() ? 0 : found->second;
  }
  int asked() const {
    int sum = 0;
    for (const auto& [question, count] : asked_) sum += count;
    return sum;
  }

  void ask(const Question& question, Done done) override {
    asked_[question]++;
    const auto found = answers_.find(question);
    const Answer none{.kind = Answer::Kind::no_name, .ttl = nothing_ttl};
    timers_.set(clock_.now().mono + latency,
                [done = std::move(done), answer = found == answers_.end() ? none : found->second](Time) {
                  done(answer);
                });
  }

  Duration latency{};
  Duration nothing_ttl = 60s;

 private:
  TimerQueue& timers_;
  Clock& clock_;
  std::map<Question, Answer> answers_;
  std::map<Question, int> asked_;
};

}  // namespace beckon::locate::test
