#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace beckon::server {

/// One of the fixed parts that all addresses-of-record fall into (DESIGN 1.2). A bucket has one owner, a
/// shard; which one is decided at run time.
using Bucket = std::uint16_t;

/// Never changes: the number is in records and in tokens that peers hold.
constexpr Bucket bucket_count = 1024;

/// Bucket of a canonical address-of-record (`sip::canonical_aor`). Stable for ever: FNV-1a, folded.
Bucket bucket_of(std::string_view canonical_aor);

/// A bucket as three lower-case hexadecimal digits, and back.
std::string print_bucket(Bucket bucket);
std::optional<Bucket> parse_bucket(std::string_view digits);

/// What we mint (tags, entity-tags, nonces, Route users) begins with "bk", the bucket and a dot, so that
/// whatever comes back finds its owner: "bk07f.5d0c…". In a branch it follows the transaction's own part
/// (`transaction::branch_tail`).
std::string bucket_prefix(Bucket bucket);
/// The bucket of a token of ours; nothing for anybody else's.
std::optional<Bucket> bucket_in(std::string_view token);

}  // namespace beckon::server
