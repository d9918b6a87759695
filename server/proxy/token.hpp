#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/bytes.hpp"
#include "protocol/transaction/transport.hpp"
#include "server/shard/bucket.hpp"

namespace beckon::server::proxy {

/// What we write into the user part of our Record-Route, so that the requests of a dialog find their bucket
/// and both user agents without any state here. Sealed: who can show one has been let through with this
/// Call-ID before, and reads nothing in it but the bucket, not even behind a GRUU (RFC 5627 10.3).
struct Token {
  Bucket bucket = 0;
  std::uint64_t caller_tag_hash = 0;  ///< `end_hash` of the tag of the one who sent the first request.
  /// `end_hash` of their addresses-of-record: GRUUs of these two alone may be used in the dialog.
  std::uint64_t caller_aor_hash = 0, callee_aor_hash = 0;
  transaction::Hop caller;  ///< Where requests to the caller go, and
  transaction::Hop callee;  ///< where those to the callee go.
};

/// Tells the two ends of a dialog apart, by their tags and addresses-of-record: 48 bits of a hash that is
/// keyed by the node's key and the Call-ID, so that nobody can find a tag or a name that passes for another.
std::uint64_t end_hash(std::string_view end, ByteView key, std::string_view call_id);

/// A URI user part; `key` is the node's, `call_id` the dialog's.
std::string seal(const Token& token, ByteView key, std::string_view call_id);
/// Nothing when it is not ours, of another dialog, or from before a restart (flows do not survive one).
std::optional<Token> open(std::string_view user, ByteView key, std::string_view call_id);

}  // namespace beckon::server::proxy
