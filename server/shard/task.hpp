#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "protocol/sip/check.hpp"
#include "server/shard/parcel.hpp"
#include "server/shard/services.hpp"

/// What one shard hands another: values. Each is moved, and destroyed where it was handled.
namespace beckon::server {

/// A message that was checked and read where it arrived, for the bucket that owns it.
struct Arrival {
  transaction::Hop from{};
  sip::Message message{};
  sip::Reading reading{};  ///< Views into the text of `message`.
  Bucket bucket = 0;
  std::string resource{};  ///< The address-of-record it is about, where that is of `bucket`; else empty.
  bool relayed = false;    ///< Of a request: for somebody behind us, and not for the server itself.
  std::optional<Bucket> token{};  ///< `Relay::bucket_of_token`.
  /// Of a request in a dialog that we let through.
  bool in_dialog() const { return token && !reading.to.tag.empty(); }
  /// Of a request that needs them: the ones to check. Null: it needs none.
  std::shared_ptr<Credentials> credentials{};
  bool by_proxy = false;  ///< They stood in Proxy-Authorization.
};

/// Who waits for a verdict: a request in its transaction, or a caller of `authenticate`.
struct Asker {
  unsigned shard = 0;
  transaction::TransactionId request = 0;
  std::uint64_t ticket = 0;
};
/// Credentials, for the bucket of their nonce.
struct Question {
  std::shared_ptr<const Credentials> credentials;
  Bucket bucket = 0;
  Asker asker;
};
struct Answered {
  Asker asker;
  Verdict verdict;
};

/// What the network layer of one shard saw and each must know.
struct FlowClosed {
  transaction::FlowId flow = 0;
};

class Shard;
/// Work of the process around the shards (administration, HTTP), on a shard's thread.
struct Visit {
  std::function<void(Shard&, Now)> run;
};

using Task = std::variant<Arrival, Question, Answered, Parcel, FlowClosed, Visit>;

}  // namespace beckon::server
