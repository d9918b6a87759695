#include "server/subscription/entity_tags.hpp"

#include <array>
#include <charconv>
#include <functional>

namespace beckon::server::subscription {

std::string_view EntityTags::of(const Content& content) {
  const SharedText& entity = content.entity ? content.entity : content.body;
  if (!entity || entity->empty()) return {};
  if (entity == entity_ && content.type == type_) return tag_;
  // No secret: whoever makes two documents alike by their hash deceives its own watchers, who see what it
  // says anyway. The same in every process of a build, so that tags hold over restarts.
  const std::hash<std::string_view> hash;
  const std::uint64_t of_both = hash(content.type) * 31 + hash(*entity);
  std::array<char, 16> digits{};
  tag_.assign(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), of_both, 36).ptr);
  entity_ = entity;
  type_ = content.type;
  return tag_;
}

std::uint32_t EntityTags::mark_of(std::string_view tag) {
  return static_cast<std::uint32_t>(std::hash<std::string_view>()(tag)) | 1U;
}

}  // namespace beckon::server::subscription
