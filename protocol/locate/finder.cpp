#include "protocol/locate/finder.hpp"

#include <algorithm>

#include "protocol/base/log.hpp"

namespace beckon::locate {

using transaction::Hop;

Finder::Finder(Dns& dns, Abilities abilities, TimerQueue& timers, Clock& clock, Random& random)
    : Finder(dns, std::move(abilities), timers, clock, random, Limits{}) {}

Finder::Finder(Dns& dns, Abilities abilities, TimerQueue& timers, Clock& clock, Random& random, Limits limits)
    : dns_(dns),
      abilities_(std::move(abilities)),
      timers_(timers),
      clock_(clock),
      random_(random),
      limits_(limits),
      cache_(limits.cache) {}

void Finder::locate(const Query& query, Done done) {
  const Time now = clock_.now().mono;
  if (searches_.size() >= limits_.searches) {
    timers_.set(now, [done = std::move(done), alive = std::weak_ptr(alive_)](Time) {
      if (!alive.expired()) done(ErrorCode(Errc::busy));
    });
    return;
  }
  const SearchId id = ++last_;
  auto& running = searches_[id];
  running = std::make_unique<Running>(Search(query, abilities_, random_), std::move(done), timers_);
  running->timer.set(now + limits_.patience, [this, id](Time) {
    searches_.at(id)->search.give_up();
    deliver(id);
  });
  feed(id);
}

/// What the cache knows is answered at once, the rest is asked.
void Finder::feed(SearchId id) {
  Search& search = searches_.at(id)->search;
  while (!search.is_done()) {
    const auto questions = search.take_questions();
    if (questions.empty()) return;
    for (const Question& question : questions) {
      if (const auto known = cache_.find(question, clock_.now().mono)) {
        search.on_answer(question, *known);
        continue;
      }
      auto& waiters = waiting_[question];
      waiters.push_back(id);
      if (waiters.size() > 1) continue;
      dns_.ask(question, [this, question, alive = std::weak_ptr(alive_)](const Answer& answer) {
        if (!alive.expired()) on_answer(question, answer);
      });
    }
  }
  finish_soon(id);
}

void Finder::on_answer(const Question& question, const Answer& answer) {
  cache_.put(question, answer, clock_.now().mono);
  const auto waiters = waiting_.extract(question);
  if (waiters.empty()) return;
  if (answer.kind == Answer::Kind::failed)
    log::debug("locate", "no answer for {} {}", question.name, to_string(question.type));
  for (const SearchId id : waiters.mapped()) {
    const auto found = searches_.find(id);
    if (found == searches_.end()) continue;
    found->second->search.on_answer(question, answer);
    feed(id);
  }
}

void Finder::finish_soon(SearchId id) {
  searches_.at(id)->timer.set(clock_.now().mono, [this, id](Time) { deliver(id); });
}

void Finder::deliver(SearchId id) {
  const auto running = std::move(searches_.extract(id).mapped());
  auto result = running->search.result();
  if (result) put_failed_last(*result);
  running->done(result);
}

void Finder::put_failed_last(std::vector<Hop>& hops) {
  const Time now = clock_.now().mono;
  std::vector<Hop> last;
  std::erase_if(hops, [&](const Hop& hop) {
    const auto found = failed_.find({hop.protocol, hop.remote});
    const bool has_failed = found != failed_.end() && found->second > now;
    if (has_failed) last.push_back(hop);
    return has_failed;
  });
  hops.insert(hops.end(), last.begin(), last.end());
}

void Finder::on_failed(const Hop& hop, Duration pause) {
  const Time now = clock_.now().mono;
  std::erase_if(failed_, [&](const auto& entry) { return entry.second <= now; });
  if (failed_.size() >= limits_.failed) failed_.erase(failed_.begin());
  failed_[{hop.protocol, hop.remote}] = now + pause;
}

}  // namespace beckon::locate
