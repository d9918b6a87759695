#include "server/subscription/entity_tags.hpp"

#include <array>
#include <charconv>

#include "protocol/base/keyed_hash.hpp"

namespace beckon::server::subscription {

std::string_view EntityTags::of(const Content& content) {
  if (!content.body || content.body->empty()) return {};
  if (content.body == last_.body && content.type == last_.type) return tag_;
  // No secret: whoever makes two documents alike by their hash deceives its own watchers, who see what it
  // says anyway. The same in every process, so that tags hold over restarts.
  const auto hash = KeyedHash(KeyedHash(0, 0)(content.type), 0).wide(*content.body);
  std::array<char, EntityTags::size_max> digits{};
  const auto low = std::to_chars(digits.data(), digits.data() + digits.size(), hash.low, 36).ptr;
  const auto high = std::to_chars(low, digits.data() + digits.size(), hash.high, 36).ptr;
  tag_.assign(digits.data(), high);
  last_ = content;
  return tag_;
}

}  // namespace beckon::server::subscription
