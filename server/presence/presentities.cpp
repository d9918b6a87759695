#include "server/presence/presentities.hpp"

#include "protocol/xcap/usage.hpp"
#include "server/store/store.hpp"

namespace beckon::server::presence {

Presentities::Presentities(Environment& environment, Peers& peers, store::EventBus& bus,
                           publication::Publications& publications, registrar::Registrar& registrar,
                           xcap::Documents& documents)
    : written_(environment, documents),
      information_(environment, publications, registrar,
                   [this](Entry& presentity, Now now, std::optional<Time> published) {
                     watches_.changed(presentity, now, published);
                     if (on_changed_) on_changed_(presentity, now);
                   }),
      watches_(environment, information_, documents),
      reciprocity_(environment, peers, watches_, [this](Entry& owner, const std::string& watcher, Now now) {
        watches_.told_back(owner, watcher, now);
      }) {
  watches_.set_reciprocity(reciprocity_);
  information_.set_hard_state(written_);
  documents.provide(beckon::xcap::watch_log_auid,
                    [this](const std::string& owner) { return documents::print(watches_.log(owner)); });
  bus.subscribe(store::Kind::document, [this, &environment](const std::string& aor, store::Version) {
    const EntryPtr presentity = environment.directory().find(aor);
    if (!presentity) return;
    const Now now = environment.clock().now();
    watches_.rules_changed(*presentity, now);
    const bool was_shown = information_.shows_hard_state(*presentity);
    if (written_.update(*presentity) && (was_shown || information_.shows_hard_state(*presentity)))
      information_.hard_state_changed(*presentity, now);
  });
}

}  // namespace beckon::server::presence
