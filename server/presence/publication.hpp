#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/base/random.hpp"
#include "protocol/base/result.hpp"
#include "protocol/documents/direct.hpp"
#include "protocol/documents/pidf.hpp"
#include "protocol/transaction/transport.hpp"

namespace beckon::server::presence {

/// What direct sessions need of one tuple (DIRECT_SESSIONS 3): in memory only, wiped with its end. Not
/// copied, so that the secret stands in one place.
class DirectOffer {
 public:
  explicit DirectOffer(documents::Published published) : published_(std::move(published)) {}
  DirectOffer(const DirectOffer&) = delete;
  DirectOffer& operator=(const DirectOffer&) = delete;
  DirectOffer(DirectOffer&& other) noexcept;
  DirectOffer& operator=(DirectOffer&& other) noexcept;
  ~DirectOffer() { wipe(); }

  const documents::Published& published() const { return published_; }
  /// The <grant> of a watcher permitted `mode`: made once, then the same for as long as the epoch lives
  /// (DIRECT_SESSIONS 3.6). Empty for an AOR too long to have one.
  std::string_view grant(const std::string& watcher, ds1::Mode mode, Random& random);
  /// Who holds a grant, with any mode.
  void each_holder(const std::function<void(const std::string&)>& visit) const;
  /// Takes over the grants of `before` where it is the same epoch and secret.
  void inherit(DirectOffer& before);

 private:
  void wipe();

  documents::Published published_;
  std::map<std::pair<std::string, ds1::Mode>, std::string> grants_;
};

/// A published document as the server works with it.
struct Publication {
  documents::Presence presence;               ///< <direct> without secret, or absent.
  std::map<std::string, DirectOffer> offers;  ///< By tuple id, for each <direct> left in `presence`.
  transaction::FlowId flow = 0;               ///< The TLS connection the offers live on.

  /// Removes every <direct>, for good. True if there was one.
  bool drop_direct();
};

/// What came of reading a PUBLISH's body.
struct ReadPublication {
  Publication publication;
  std::string storable;     ///< The document without any <direct>: what may be kept on disk.
  bool had_direct = false;  ///< `storable` lacks something: after a restart the device must publish anew.
  std::string warning;      ///< Why a <direct> was removed (DIRECT_SESSIONS 3.2); empty: none was.
};

/// How it came.
struct Arrival {
  bool secure = false;           ///< Over TLS.
  bool requires_direct = false;  ///< With `Require: beckon-direct`.
  transaction::FlowId flow = 0;
};

enum class PublishFault {
  unreadable,      ///< 400: no presence document.
  exposed_secret,  ///< 403: a <secret> came over a hop that is not TLS.
};

/// Reads a presence document as the server checks it: leniently (DIRECT_SESSIONS 3.1, 3.2). A fault in
/// <direct> costs that <direct> only, except for a secret over an open hop.
struct PublicationResult {
  std::optional<ReadPublication> value;
  PublishFault fault = PublishFault::unreadable;
};
PublicationResult read_publication(std::string_view body, const Arrival& arrival);

}  // namespace beckon::server::presence
