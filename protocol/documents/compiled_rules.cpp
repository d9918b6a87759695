#include "protocol/documents/compiled_rules.hpp"

#include <algorithm>
#include <utility>

#include "protocol/base/text.hpp"

namespace beckon::documents {

namespace {

/// The texts in that form, sorted.
std::vector<std::string> sorted(const std::vector<std::string>& texts,
                                std::string (*form)(std::string_view)) {
  std::vector<std::string> all;
  for (const std::string& each : texts) all.push_back(form(each));
  std::ranges::sort(all);
  return all;
}

}  // namespace

CompiledRules::CompiledRules(std::vector<Rule> rules) : rules_(std::move(rules)) {
  for (Place place = 0; place < rules_.size(); ++place) {
    const Conditions& conditions = rules_[place].conditions;
    ask_for_sphere_ |= !conditions.spheres.empty();
    ask_for_reciprocity_ |= conditions.reciprocal;
    if (!conditions.identity) {
      everyones_.push_back(place);
      continue;
    }
    for (const std::string& one : conditions.identity->ones) named_.push_back({key_of(one), place});
    for (const Identity::Many& many : conditions.identity->manys)
      manys_.push_back({.domain = to_lower(many.domain),
                        .users = sorted(many.except_ids, key_of),
                        .domains = sorted(many.except_domains, to_lower),
                        .rule = place});
  }
  std::ranges::sort(named_, {}, &Named::user);
}

/// Equal for URIs that `same_user` takes for one user's.
std::string CompiledRules::key_of(std::string_view uri) {
  const auto at = std::min(uri.rfind('@'), uri.size());
  const auto host = uri.substr(std::min(at + 1, uri.size()));
  const auto [scheme, name] = cut(uri.substr(0, at), ':');
  std::string key = to_lower(scheme);
  return key.append(":").append(name).append("@").append(to_lower(host));
}

bool CompiledRules::matches(const Many& many, const std::string& user, const std::string& domain) {
  return (many.domain.empty() || many.domain == domain) && !std::ranges::binary_search(many.users, user) &&
         !std::ranges::binary_search(many.domains, domain);
}

Decision CompiledRules::decide(const Asker& asker) const {
  Combination combined;
  const auto take = [&](Place place) {
    const Rule& rule = rules_[place];
    if (holds_apart_from_identity(rule.conditions, asker)) combined.add(rule);
  };
  const std::string user = key_of(asker.aor);
  for (auto named = std::ranges::lower_bound(named_, user, {}, &Named::user);
       named != named_.end() && named->user == user; ++named)
    take(named->rule);
  if (!manys_.empty()) {
    const std::string domain = to_lower(domain_of_aor(asker.aor));
    for (const Many& many : manys_)
      if (matches(many, user, domain)) take(many.rule);
  }
  for (const Place place : everyones_) take(place);
  return std::move(combined).finish();
}

}  // namespace beckon::documents
