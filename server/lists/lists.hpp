#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/lists/definition.hpp"
#include "server/lists/list.hpp"
#include "server/shard/services.hpp"
#include "server/store/store.hpp"
#include "server/subscription/lists.hpp"
#include "server/xcap/documents.hpp"

namespace beckon::server::subscription {
class Subscriptions;
}

namespace beckon::server::lists {

/// The lists of one shard: at the bucket of a list's owner, what it has, and who wants to hear of changes; at
/// the bucket of its URI, the answers. A list is for its owner alone, so that a URI is looked for in the
/// documents of whoever asks, and nobody can take another's.
class Lists final : public Room, public subscription::Lists {
 public:
  /// All outlive it. `bus` tells of changed documents.
  Lists(Environment& environment, Peers& peers, store::EventBus& bus, const xcap::Documents& documents);
  ~Lists() override;

  /// Adds the form of `base` that is for lists to `packages`.
  void add(subscription::Packages& packages, subscription::Package& base);
  /// When it is there.
  void set_subscriptions(subscription::Subscriptions& subscriptions);

  // Room
  Serves serves() const override;

  // subscription::Lists
  subscription::Package* form_of(const subscription::Package& package) override;
  void find(const std::string& uri, const std::string& watcher, const subscription::Package& package,
            Found found) override;
  std::optional<Carried> read(const sip::Message& subscribe) const override;

  /// `tag` is told by `List::define` what the list of that URI is, now and after each change, until `forget`.
  /// False: the owner's shard is overloaded.
  bool ask(const std::string& tag, const std::string& uri, const std::string& owner,
           std::string_view package);
  void forget(const std::string& tag, const std::string& owner);

  // Between shards
  struct Question {
    Bucket from = 0;
    std::uint64_t ticket = 0;
    std::string uri, owner, package;
  };
  struct Verdict {
    std::uint64_t ticket = 0;
    int status = 0;
  };
  struct Interest {
    std::string tag, uri, owner, package;
  };
  struct Disinterest {
    std::string tag, owner;
  };
  struct News {
    std::string tag, package;
    Definition definition;
  };
  void on(Question question, Bucket at, Now now);
  void on(Verdict found, Bucket at, Now now);
  void on(Interest interest, Bucket at, Now now);
  void on(Disinterest gone, Bucket at, Now now);
  void on(News news, Bucket at, Now now);

  /// Those who want to hear of changes; 0 when all have left.
  std::size_t size() const;

 private:
  struct Interested {
    Interest who;
    Definition told;
  };
  Definition definition_of(const std::string& owner, const std::string& uri, std::string_view package) const;
  void tell(Interested& interested, const std::string& owner);

  Environment& environment_;
  Peers& peers_;
  const xcap::Documents& documents_;
  subscription::Subscriptions* subscriptions_ = nullptr;
  std::vector<std::pair<const subscription::Package*, List*>> forms_;
  std::unordered_map<std::uint64_t, Found> asked_;
  std::uint64_t last_ticket_ = 0;
  std::unordered_map<std::string, std::vector<Interested>> interested_;  ///< By owner.
};

}  // namespace beckon::server::lists
