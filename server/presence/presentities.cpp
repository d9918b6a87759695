#include "server/presence/presentities.hpp"

#include "server/store/store.hpp"

namespace beckon::server::presence {

Presentities::Presentities(Environment& environment, store::EventBus& bus,
                           publication::Publications& publications, registrar::Registrar& registrar,
                           const xcap::Documents& documents)
    : information_(environment, publications, registrar,
                   [this](Entry& presentity, Now now) { watches_.changed(presentity, now); }),
      watches_(environment, information_, documents) {
  bus.subscribe(store::Kind::document, [this, &environment](const std::string& aor, store::Version) {
    if (const EntryPtr presentity = environment.directory().find(aor))
      watches_.rules_changed(*presentity, environment.clock().now());
  });
}

}  // namespace beckon::server::presence
