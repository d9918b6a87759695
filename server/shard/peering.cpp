#include "server/shard/peering.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"

namespace beckon::server {

void Peering::set(const Federation& federation) {
  rate_.set(federation.requests_per_second, federation.requests_burst);
  lines_.set(1, 16);
}

void Peering::on_verified(transaction::FlowId flow, const std::vector<std::string>& names) {
  auto& kept = names_[flow];
  kept.clear();
  for (const std::string& name : names) kept.push_back(to_lower(name));
}

const std::vector<std::string>& Peering::names(transaction::FlowId flow) const {
  static const std::vector<std::string> nobody;
  const auto found = names_.find(flow);
  return found == names_.end() ? nobody : found->second;
}

std::string_view Peering::domain_of(transaction::FlowId flow, const Settings& settings) const {
  const auto& all = names(flow);
  const auto is_own = [&](const std::string& name) { return settings.serves(name); };
  if (std::ranges::any_of(all, is_own)) return {};
  const auto admitted = [&](const std::string& name) { return settings.federation.admits(name); };
  const auto found = std::ranges::find_if(all, admitted);
  return found == all.end() ? std::string_view() : *found;
}

/// What a line of the log says.
std::string Peering::why_not(const transaction::Hop& from, std::string_view domain,
                             const Settings& settings) const {
  const auto& all = names(from.flow);
  if (!settings.federation.admits(domain)) return "the domain is not among federation.domains";
  if (!transaction::is_secure(from.protocol))
    return fmt::format("nothing proves a domain over {}", transaction::via_name(from.protocol));
  if (all.empty()) return "the connection has no trusted certificate";
  return fmt::format("the certificate of the connection is for {}", fmt::join(all, ", "));
}

bool Peering::speaks_for(transaction::FlowId flow, std::string_view domain, const Settings& settings) const {
  const auto& all = names(flow);
  return std::ranges::find(all, domain) != all.end() && settings.federation.admits(domain);
}

std::optional<std::string_view> Peering::refusal_of(const transaction::Hop& from, std::string_view domain,
                                                    const Settings& settings, Time now) {
  if (speaks_for(from.flow, domain, settings)) return std::nullopt;
  const auto& all = names(from.flow);
  const bool proven = std::ranges::find(all, domain) != all.end();
  if (may_log(from, now))
    log::info("shard", "{} refused for a user of {}: {}", print(from.remote), domain,
              why_not(from, domain, settings));
  return proven ? "Domain Not Admitted Here" : "Domain Not Served Here";
}

bool Peering::may_log(const transaction::Hop& from, Time now) {
  // Addresses that could be forged share one source.
  const IpAddress source = transaction::is_secure(from.protocol) ? from.remote.ip : IpAddress{};
  return lines_.take(source, now) == RateLimit::Verdict::pass;
}

}  // namespace beckon::server
