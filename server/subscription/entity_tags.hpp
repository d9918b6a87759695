#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/subscription/package.hpp"

namespace beckon::server::subscription {

/// Entity-tags of documents (RFC 5839 6.1): a hash of type and text, so that a tag says what the watcher
/// sees, in whatever dialog and before or after a restart. The tag of a document that many watchers share is
/// made once.
class EntityTags {
 public:
  /// Octets of the longest one: no longer text is a tag of ours.
  static constexpr std::size_t size_max = 32;

  /// Valid until the next call; empty without body.
  std::string_view of(const Content& content);
  /// Tells tags apart in four octets; never 0.
  static std::uint32_t mark_of(std::string_view tag);

 private:
  SharedText entity_;
  std::string_view type_;
  std::string tag_;  ///< Of these two.
};

}  // namespace beckon::server::subscription
