#include "server/shard/bucket.hpp"

#include "protocol/base/text.hpp"

namespace beckon::server {

namespace {
constexpr std::string_view mark = "bk";
constexpr std::string_view digits = "0123456789abcdef";
constexpr std::size_t digit_count = 3;
}  // namespace

Bucket bucket_of(std::string_view canonical_aor) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : canonical_aor) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211U;
  }
  return static_cast<Bucket>((hash >> 32 ^ hash) % bucket_count);
}

std::string print_bucket(Bucket bucket) {
  return {digits[bucket >> 8 & 15], digits[bucket >> 4 & 15], digits[bucket & 15]};
}

std::optional<Bucket> parse_bucket(std::string_view text) {
  if (text.size() != digit_count || text.find_first_not_of(digits) != text.npos) return std::nullopt;
  const auto value = parse_number<Bucket>(text, 16);
  return value && *value < bucket_count ? value : std::nullopt;
}

std::string bucket_prefix(Bucket bucket) { return std::string(mark) + print_bucket(bucket) + '.'; }

std::optional<Bucket> bucket_in(std::string_view token) {
  const std::size_t size = mark.size() + digit_count;
  if (!token.starts_with(mark) || token.size() <= size || token[size] != '.') return std::nullopt;
  return parse_bucket(token.substr(mark.size(), digit_count));
}

}  // namespace beckon::server
