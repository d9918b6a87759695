#pragma once

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "server/presence/hard_state.hpp"
#include "server/presence/information.hpp"
#include "server/presence/reciprocity.hpp"
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
  Presentities(Environment& environment, Peers& peers, store::EventBus& bus,
               publication::Publications& publications, registrar::Registrar& registrar,
               xcap::Documents& documents);

  Watches& watches() { return watches_; }
  const PresenceInformation& information() const { return information_; }

  /// Hears of each change of a presentity's state, after its watchers.
  using OnChanged = std::function<void(Entry& presentity, Now now)>;
  void set_on_changed(OnChanged on_changed) { on_changed_ = std::move(on_changed); }

  /// Where documents come from that show a presentity while no device says anything, if not those that users
  /// write (RFC 4827), and who knows of calls. Both outlive the last change. `published`: when the PUBLISH
  /// arrived that changed the calls, if one did.
  const HardState& written_hard_state() const { return written_; }
  void set_hard_state(const HardState& hard_state) { information_.set_hard_state(hard_state); }
  void hard_state_changed(Entry& presentity, Now now) { information_.hard_state_changed(presentity, now); }
  void set_calls(const Calls& calls) { information_.set_calls(calls); }
  void calls_changed(Entry& presentity, Now now, std::optional<Time> published) {
    information_.calls_changed(presentity, now, published);
  }

  Standing standing(const Entry& presentity) const { return information_.standing(presentity); }
  /// How the presentity wants to be reached, for whoever routes requests to it.
  Standing wishes(const Entry& presentity) const { return information_.wishes(presentity); }

  // Between shards
  void on(AskBack question, Bucket at, Now now) { reciprocity_.on(std::move(question), at, now); }
  void on(TellBack answer, Bucket at, Now now) { reciprocity_.on(std::move(answer), at, now); }

  // Room
  void restored(Now) override { written_.restored(); }
  /// What a removed user's watchers were shown goes, too.
  void on_user_gone(std::string_view aor, bool removed, Now) override {
    if (removed) watches_.forget_log(aor);
  }
  std::vector<Table> tables(Now) const override { return {information_.table()}; }

  /// Presentities of which a document is kept; watches are not counted.
  std::size_t size() const { return information_.size() + reciprocity_.size(); }

 private:
  OnChanged on_changed_;
  WrittenHardState written_;
  PresenceInformation information_;
  Watches watches_;
  Reciprocity reciprocity_;
};

}  // namespace beckon::server::presence
