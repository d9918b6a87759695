#include "server/presence/presentities.hpp"

#include "server/store/store.hpp"

namespace beckon::server::presence {

Presentities::Presentities(Services& services, publication::Publications& publications,
                           registrar::Registrar& registrar, const xcap::Documents& documents)
    : information_(services, publications, registrar,
                   [this](Entry& presentity, Now now) { watches_.changed(presentity, now); }),
      watches_(services, information_, documents) {
  services.bus().subscribe(store::Kind::document, [this, &services](const std::string& aor, store::Version) {
    if (const EntryPtr presentity = services.directory().find(aor))
      watches_.rules_changed(*presentity, services.clock().now());
  });
}

}  // namespace beckon::server::presence
