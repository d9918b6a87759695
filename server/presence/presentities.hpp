#pragma once

#include <vector>

#include "server/presence/information.hpp"
#include "server/presence/watch.hpp"
#include "server/publication/publications.hpp"
#include "server/registrar/registrar.hpp"
#include "server/shard/services.hpp"
#include "server/xcap/documents.hpp"

namespace beckon::server::presence {

/// The presentities of one shard: joins what devices publish and register with whoever follows it. It takes
/// no request itself.
class Presentities final : public Room {
 public:
  /// Observes the registrar, and the bus for changes of rules; makes the watch log of `documents`. All
  /// referenced things outlive it.
  Presentities(Environment& environment, store::EventBus& bus, publication::Publications& publications,
               registrar::Registrar& registrar, xcap::Documents& documents);

  Watches& watches() { return watches_; }
  const PresenceInformation& information() const { return information_; }

  // Room
  /// What a removed user's watchers were shown goes, too.
  void on_user_gone(std::string_view aor, bool removed, Now) override {
    if (removed) watches_.forget_log(aor);
  }
  std::vector<Table> tables(Now) const override { return {information_.table()}; }

  /// Presentities of which a document is kept; watches are not counted.
  std::size_t size() const { return information_.size(); }

 private:
  PresenceInformation information_;
  Watches watches_;
};

}  // namespace beckon::server::presence
