#pragma once

#include <map>
#include <memory>
#include <unordered_map>

#include "protocol/base/timers.hpp"
#include "protocol/locate/cache.hpp"
#include "protocol/locate/locator.hpp"
#include "protocol/locate/search.hpp"

namespace beckon::locate {

/// The Locator over a Dns: runs searches, keeps answers, never has the same question under way twice. Pure.
class Finder final : public Locator {
 public:
  struct Limits {
    std::size_t searches = 1000;  ///< At once; one more is answered Errc::busy.
    std::size_t failed = 1000;    ///< Hops remembered as failed.
    Duration patience = 8s;       ///< A search ends by then with what it has.
    Cache::Limits cache{};
  };
  /// All references outlive it, and `dns` does not call it afterwards.
  Finder(Dns& dns, Abilities abilities, TimerQueue& timers, Clock& clock, Random& random);
  Finder(Dns& dns, Abilities abilities, TimerQueue& timers, Clock& clock, Random& random, Limits limits);

  void locate(const Query& query, Done done) override;
  void on_failed(const transaction::Hop& hop, Duration pause) override;
  const Abilities& abilities() const override { return abilities_; }

  std::size_t searches() const { return searches_.size(); }
  const Cache& cache() const { return cache_; }

 private:
  using SearchId = std::uint64_t;
  struct Running {
    Running(Search s, Done d, TimerQueue& timers) : search(std::move(s)), done(std::move(d)), timer(timers) {}
    Search search;
    Done done;
    Timer timer;
  };
  void feed(SearchId id);
  void finish_soon(SearchId id);
  void deliver(SearchId id);
  void on_answer(const Question& question, const Answer& answer);
  void put_failed_last(std::vector<transaction::Hop>& hops);

  Dns& dns_;
  Abilities abilities_;
  TimerQueue& timers_;
  Clock& clock_;
  Random& random_;
  Limits limits_;
  Cache cache_;
  SearchId last_ = 0;
  std::unordered_map<SearchId, std::unique_ptr<Running>> searches_;
  std::map<Question, std::vector<SearchId>> waiting_;  ///< Questions under way, and the searches that wait.
  std::map<std::pair<transaction::Protocol, Address>, Time> failed_;  ///< Until when they come last.
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace beckon::locate
