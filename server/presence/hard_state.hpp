#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/presence/document.hpp"
#include "server/presence/hooks.hpp"
#include "server/shard/services.hpp"
#include "server/xcap/documents.hpp"

namespace beckon::server::presence {

/// The hard state that users write over XCAP (RFC 4827): one document each, of the usage "pidf-manipulation".
/// It is an input of the composition like a publication, but ends only when its user deletes it.
class WrittenHardState final : public HardState {
 public:
  /// Has `documents` check each of them before it is stored. Both outlive it.
  WrittenHardState(Environment& environment, xcap::Documents& documents);

  const Document* hard_state(const Entry& presentity) const override;
  /// Documents of the presentity changed. False: the hard state is the same.
  bool update(Entry& presentity);
  /// The documents are read from the store.
  void restored();

 private:
  struct Kept;

  std::optional<beckon::xcap::Problem> check(std::string_view text) const;

  Environment& environment_;
  const xcap::Documents& documents_;
  Slot<Kept> slot_;
};

}  // namespace beckon::server::presence
