#include "server/presence/presentities.hpp"

#include "protocol/xcap/usage.hpp"
#include "server/store/store.hpp"

namespace beckon::server::presence {

Presentities::Presentities(Environment& environment, store::EventBus& bus,
                           publication::Publications& publications, registrar::Registrar& registrar,
                           xcap::Documents& documents)
    : information_(environment, publications, registrar,
                   [this](Entry& presentity, Now now, std::optional<Time> published) {
                     watches_.changed(presentity, now, published);
                     if (on_changed_) on_changed_(presentity, now);
                   }),
      watches_(environment, information_, documents) {
  documents.provide(beckon::xcap::watch_log_auid,
                    [this](const std::string& owner) { return documents::print(watches_.log(owner)); });
  bus.subscribe(store::Kind::document, [this, &environment](const std::string& aor, store::Version) {
    if (const EntryPtr presentity = environment.directory().find(aor))
      watches_.rules_changed(*presentity, environment.clock().now());
  });
}

}  // namespace beckon::server::presence
