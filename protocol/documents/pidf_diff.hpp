#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/result.hpp"
#include "protocol/documents/pidf.hpp"

/// Partial presence documents (RFC 5262): the whole of a presence document as <pidf-full>, and what makes the
/// next one of it as <pidf-diff>. Both are numbered.
namespace beckon::documents {

inline constexpr std::string_view pidf_diff_type = "application/pidf-diff+xml";

/// The <pidf-full> of a document that documents::print made.
std::string print_full(std::string_view presence, std::uint32_t version);

/// The operations that make `to` of `from`, which documents::print made both. They are for every watcher that
/// has `from`. Empty: they say the same. Nullopt: the whole of `to` would be no longer.
std::optional<std::string> make_operations(std::string_view from, std::string_view to);
/// The <pidf-diff> with such operations.
std::string print_diff(std::string_view entity, std::string_view operations, std::uint32_t version);

/// A watcher's copy of one presentity's document (RFC 5263 4.5).
class PartialPresence {
 public:
  enum class Taken {
    yes,     ///< `presence` is the new state.
    stale,   ///< Older than what we have: dropped.
    gap,     ///< Documents were missed: ask for full state.
    failed,  ///< It cannot be read or applied: ask for full state. Until then nothing is applied.
  };

  /// Takes the body of a NOTIFY. Versions count within one `subscription`: the first document of another one
  /// begins anew.
  Taken take(std::string_view body, std::string_view subscription);
  /// The state came in another format, so no operation can follow; the version goes on.
  void drop() { text_.clear(); }
  /// After Taken::yes.
  const Presence& presence() const { return presence_; }
  /// The last one taken.
  std::uint32_t version() const { return version_; }

 private:
  bool set(std::string text);

  std::string subscription_;
  std::string text_;  ///< Of the document as it is now; empty: we have none.
  Presence presence_;
  std::uint32_t version_ = 0;
};

}  // namespace beckon::documents
