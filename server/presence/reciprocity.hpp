#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "server/presence/watch.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::presence {

// Between the buckets of two users, one of whom has rules for those who let the owner see them.

/// To the bucket of `watcher`: does it let `owner` see it? Each change is told until `goes_on` is false.
struct AskBack {
  std::string owner, watcher;
  bool goes_on = true;
};
/// To the bucket of `owner`.
struct TellBack {
  std::string owner, watcher;
  bool lets_see = false;
};

/// Who lets whom see, for rules that ask for it (`documents::Conditions::reciprocal`): each side is told by
/// the other, whose rules stay at their bucket. On the watcher's side a `Watch` that shows nothing finds out
/// when rules, the time or the sphere change the answer.
///
/// Two users may each have such rules for the other: a rule that asks for reciprocity counts as one that
/// holds while the other side asks. So both see, and neither waits for the other.
class Reciprocity final : private Sink {
 public:
  /// `on_told`: the owner of rules was told something else about `watcher`. All outlive it.
  using OnTold = std::function<void(Entry& owner, const std::string& watcher, Now now)>;
  Reciprocity(Environment& environment, Peers& peers, Watches& watches, OnTold on_told);
  ~Reciprocity();

  /// Nullopt: not told yet. Users of other domains do not say.
  std::optional<bool> lets_see(const Entry& owner, std::string_view watcher) const;
  /// From now on the owner is told. Once more: no effect.
  void ask(const Entry& owner, std::string_view watcher);
  void forget(const Entry& owner, std::string_view watcher);

  void on(AskBack question, Bucket at, Now now);
  void on(TellBack answer, Bucket at, Now now);

  /// Questions asked and answered here; 0 when all watches have left.
  std::size_t size() const { return asked_.size() + answered_.size(); }

 private:
  using Pair = std::pair<std::string, std::string>;  ///< Owner of the rules, watcher.
  struct OwnerName {
    std::string owner;
  };
  struct Answered;

  void on_state(Watch&, Now) override {}
  void on_view(Watch& watch, const View& before, Now now) override;
  void tell(const Answered& answered);

  Environment& environment_;
  Peers& peers_;
  Watches& watches_;
  OnTold on_told_;
  std::map<Pair, std::optional<bool>> asked_;
  std::map<Pair, std::unique_ptr<Answered>> answered_;
};

}  // namespace beckon::server::presence
