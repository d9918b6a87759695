#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/documents/pidf.hpp"
#include "server/presence/document.hpp"
#include "server/registrar/binding.hpp"

/// The one state made of what a presentity's devices published (DESIGN 6). Pure, and linear in its elements.
namespace beckon::server::presence {

/// The ids of one document, each an xs:ID.
class Names {
 public:
  /// `wanted` where it is free; else, and when it is empty, a name made of it and `owner`: the same each time
  /// that the same names are taken.
  std::string claim(std::string wanted, std::string_view owner);
  /// Look-ups and hashes so far.
  std::size_t work() const { return work_; }

 private:
  bool take(const std::string& name);

  boost::unordered_flat_set<std::string> taken_;
  std::size_t work_ = 0;
  std::size_t serial_ = 0;  ///< Of made names that were taken: it only rises, so no name is tried twice.
};

/// One publication.
struct Source {
  std::uint16_t publication = 0;  ///< event::Publication::number.
  const Document* document = nullptr;
};

struct Composition {
  /// An offer of a source.
  struct Origin {
    std::uint16_t publication = 0;
    std::uint32_t offer = 0;  ///< Index in `Document::offers`.
  };
  documents::Presence presence;
  std::unordered_map<std::string, Origin> offers;  ///< By tuple id in `presence`.
};

/// `sources`, the oldest first, and `silent`, the bindings of devices that never published. A tuple id that
/// is taken is renamed; of persons, or devices, with one id the later one counts; without anything the
/// presentity is closed. `names` is fresh.
Composition compose(const std::string& aor, const std::vector<Source>& sources,
                    const std::vector<const registrar::Binding*>& silent, Names& names);

/// What is shown of a presentity with nothing published and no binding, and to watchers that may see nothing.
documents::Presence closed_presence(std::string_view aor);

}  // namespace beckon::server::presence
