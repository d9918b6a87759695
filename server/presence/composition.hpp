#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/base/time.hpp"
#include "protocol/documents/pidf.hpp"
#include "protocol/documents/pres_rules.hpp"
#include "server/presence/document.hpp"
#include "server/presence/names.hpp"
#include "server/registrar/binding.hpp"

/// The one state made of what a presentity's devices published (DESIGN 6). Pure, and linear in its elements.
namespace beckon::server::presence {

/// One publication.
struct Source {
  std::uint16_t publication = 0;  ///< event::Publication::number.
  const Document* document = nullptr;
};

/// What a state depends on besides publications and bindings.
struct Circumstances {
  WallTime now{};
  bool on_the_phone = false;
  /// When the presentity was last available, shown while it is closed; empty: not to be known.
  std::string_view last_seen{};
  /// Whose persons and devices count; null: all do. What a watcher may not see is left out before persons are
  /// made one, so that nothing of it gets into the one that is seen.
  const documents::Transformations* what = nullptr;
};

struct Composition {
  /// An offer of a source.
  struct Origin {
    std::uint16_t publication = 0;
    std::uint32_t offer = 0;  ///< Index in `Document::offers`.
  };
  documents::Presence presence;
  std::unordered_map<std::string, Origin> offers;  ///< By tuple id in `presence`.
  WallTime next = WallTime::max();                 ///< When time alone makes another state of it.
  bool is_selection = false;                       ///< `Circumstances::what` left something out.
};

/// `sources`, the oldest first, and `silent`, the bindings of devices that never published. A tuple id that
/// is taken or is none is renamed; persons and devices are made one as `Merging` says; without anything the
/// presentity is closed. `names` is fresh.
Composition compose(const std::string& aor, const std::vector<Source>& sources,
                    const std::vector<const registrar::Binding*>& silent, const Circumstances& circumstances,
                    Names& names);

/// What is shown of a presentity with nothing published and no binding, and to watchers that may see nothing.
documents::Presence closed_presence(std::string_view aor);

}  // namespace beckon::server::presence
