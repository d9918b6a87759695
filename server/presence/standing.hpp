#pragma once

#include <cstdint>
#include <string>

#include "protocol/base/time.hpp"
#include "protocol/documents/pidf.hpp"

namespace beckon::server::presence {

/// The state of a person in a word (DESIGN 6); the larger one counts.
enum class Overall : std::uint8_t { offline, away, available, meeting, do_not_disturb, on_the_phone };
const char* to_string(Overall overall);

/// What a presentity's composed state says of whether it wants to be reached.
struct Standing {
  Overall overall = Overall::offline;
  bool do_not_disturb = false;  ///< Also on the phone.
  bool busy = false;            ///< Says so itself (RFC 4480 3.2); with do-not-disturb it always does.
  bool on_the_phone = false;    ///< By what it says, or by its calls.
  bool messages_only = false;   ///< Wants no calls.
  bool one_call = false;        ///< Wants none while it is on the phone.
  bool operator==(const Standing&) const = default;
};
Standing standing_of(const documents::Presence& composed);

/// The <sphere> of published documents together (RFC 5025 3.1.2).
class Spheres {
 public:
  /// `apply_clock` has passed over it.
  void add(const documents::Presence& published);
  /// Empty: undefined, as none has one, or they differ.
  const std::string& value() const;

 private:
  std::string value_;
  bool is_any_ = false;
  bool differ_ = false;
};

}  // namespace beckon::server::presence
