#include "server/presence/policy.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"

namespace beckon::server::presence {

using documents::SubHandling;

namespace {

Permission to_permission(SubHandling handling) {
  switch (handling) {
    case SubHandling::block:
      return Permission::block;
    case SubHandling::confirm:
      return Permission::confirm;
    case SubHandling::polite_block:
      return Permission::polite_block;
    case SubHandling::allow:
      return Permission::allow;
  }
  return Permission::block;
}

}  // namespace

const char* to_string(Permission permission) {
  switch (permission) {
    case Permission::allow:
      return "allow";
    case Permission::confirm:
      return "confirm";
    case Permission::polite_block:
      return "polite-block";
    case Permission::block:
      return "block";
  }
  return "";
}

documents::Transformations everything() {
  documents::Transformations all;
  all.services.all = all.persons.all = all.devices.all = true;
  all.all_attributes = true;
  all.user_input = "full";
  return all;
}

bool is_welcome(const Settings& settings, std::string_view watcher) {
  const std::string_view domain = domain_of_aor(watcher);
  return settings.serves(domain) || settings.federation.admits(domain);
}

View decide(const Settings& settings, const documents::CompiledRules* rules, std::string_view presentity,
            std::string_view watcher, WallTime now, std::string_view sphere, bool lets_see) {
  if (watcher == presentity) return {Permission::allow, everything()};
  if (!is_welcome(settings, watcher)) return {Permission::block, {}};
  if (rules) {
    auto decision = rules->decide({.aor = watcher, .now = now, .sphere = sphere, .lets_see = lets_see});
    if (decision.handling) {
      const Permission permission = to_permission(*decision.handling);
      return {permission, permission == Permission::allow ? std::move(decision.transformations)
                                                          : documents::Transformations{}};
    }
  }
  if (settings.watcher_policy == WatcherPolicy::allow) return {Permission::allow, everything()};
  return {Permission::confirm, {}};
}

const char* to_string(Reason::By by) {
  switch (by) {
    case Reason::By::own:
      return "own";
    case Reason::By::foreign_domain:
      return "foreign-domain";
    case Reason::By::rules:
      return "rules";
    case Reason::By::default_policy:
      return "default-policy";
  }
  return "";
}

Reason reason_of(const Settings& settings, const documents::CompiledRules* rules, std::string_view presentity,
                 std::string_view watcher, WallTime now, std::string_view sphere, bool lets_see) {
  if (watcher == presentity) return {Reason::By::own};
  if (!is_welcome(settings, watcher)) return {Reason::By::foreign_domain};
  Reason reason{Reason::By::rules};
  if (rules)
    for (const documents::Rule& rule : rules->rules())
      if (rule.handling &&
          documents::matches(rule.conditions,
                             {.aor = watcher, .now = now, .sphere = sphere, .lets_see = lets_see}))
        reason.rules.push_back(rule.id);
  if (reason.rules.empty()) reason.by = Reason::By::default_policy;
  return reason;
}

WallTime next_change(const documents::CompiledRules* rules, WallTime now) {
  WallTime next = WallTime::max();
  if (!rules) return next;
  for (const documents::Rule& rule : rules->rules()) {
    if (!rule.conditions.validity) continue;
    for (const documents::Validity& validity : *rule.conditions.validity)
      for (const WallTime edge : {validity.from, validity.until})
        if (edge > now) next = std::min(next, edge);
  }
  return next;
}

}  // namespace beckon::server::presence
