#include "server/presence/presentities.hpp"

#include "server/store/store.hpp"

namespace beckon::server::presence {

Presentities::Presentities(Services& services, registrar::Registrar& registrar,
                           const xcap::Documents& documents)
    : information_(services, registrar,
                   [this](Entry& presentity, Now now) { watches_.changed(presentity, now); }),
      watches_(services, information_, documents) {
  registrar.observe(*this);
  services.bus().subscribe(store::Kind::document, [this, &services](const std::string& aor, store::Version) {
    if (const EntryPtr presentity = services.directory().find(aor))
      watches_.rules_changed(*presentity, services.clock().now());
  });
}

void Presentities::on_bindings_changed(Entry& entry, registrar::BindingEvent event, const registrar::Binding&,
                                       const std::vector<registrar::Binding>& all, Now now) {
  information_.on_bindings_changed(entry.aor(), event, all, now);
}

}  // namespace beckon::server::presence
