#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/base/random.hpp"
#include "protocol/transaction/transport.hpp"
#include "server/config/settings.hpp"
#include "server/shard/rate_limit.hpp"

namespace beckon::server {

/// Servers of other domains at the other ends of connections, known by their certificates (RFC 5922 7.4): for
/// whom they speak, and how often. Keeps nothing of a peer that has proven nothing. Pure; one per shard, for
/// the connections of that shard.
class Peering {
 public:
  explicit Peering(Random& random) : rate_(random, domains_counted), lines_(random, sources_told) {}

  void set(const Federation& federation);
  /// `names` are those in the certificate of its peer, which an authority of ours has signed.
  void on_verified(transaction::FlowId flow, const std::vector<std::string>& names);
  void on_closed(transaction::FlowId flow) { names_.erase(flow); }
  /// Empty for a peer that has proven nothing.
  const std::vector<std::string>& names(transaction::FlowId flow) const;

  /// The domain by which its peer is a server that may reach us; empty: it is none, or one of our own.
  std::string_view domain_of(transaction::FlowId flow, const Settings& settings) const;
  /// Takes a token of that domain.
  RateLimit::Verdict take(std::string_view domain, Time now) { return rate_.take(domain, now); }

  /// Is its peer a server of `domain`, in lower case, which may reach us?
  bool speaks_for(transaction::FlowId flow, std::string_view domain, const Settings& settings) const;
  /// May requests of users of `domain`, which is none of ours, come from there? Absent: yes. Else the reason
  /// phrase of the refusal; a line is logged if it may be.
  std::optional<std::string_view> refusal_of(const transaction::Hop& from, std::string_view domain,
                                             const Settings& settings, Time now);
  /// May a line about a refusal be logged? About one a second for each source.
  bool may_log(const transaction::Hop& from, Time now);

 private:
  std::string why_not(const transaction::Hop& from, std::string_view domain, const Settings& settings) const;

  static constexpr std::size_t domains_counted = 1024, sources_told = 256;

  std::unordered_map<transaction::FlowId, std::vector<std::string>> names_;  ///< Lower case.
  RateLimit rate_;                                                           ///< Of requests, by domain.
  RateLimit lines_;  ///< Of the log, by source; all that could be forged together.
};

}  // namespace beckon::server
