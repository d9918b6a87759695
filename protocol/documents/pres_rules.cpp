#include "protocol/documents/pres_rules.hpp"

#include <algorithm>
#include <array>

#include "protocol/base/text.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/reading.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::documents {

using xml::Element;

const char* to_string(SubHandling handling) {
  switch (handling) {
    case SubHandling::block:
      return "block";
    case SubHandling::confirm:
      return "confirm";
    case SubHandling::polite_block:
      return "polite-block";
    case SubHandling::allow:
      return "allow";
  }
  return "";
}

std::optional<SubHandling> parse_sub_handling(std::string_view text) {
  for (const auto handling :
       {SubHandling::block, SubHandling::confirm, SubHandling::polite_block, SubHandling::allow}) {
    if (trim(text) == to_string(handling)) return handling;
  }
  return std::nullopt;
}

namespace {

constexpr std::array<std::string_view, 5> user_inputs = {"", "false", "bare", "thresholds", "full"};

bool is_common(const Element& element, std::string_view name) { return element.is(ns::common_policy, name); }

Result<Identity::Many> read_many(const Element& element) {
  Identity::Many many;
  many.domain = trim(element.attribute("domain").value_or(""));
  for (const Element& child : element.children()) {
    if (!is_common(child, "except")) continue;
    const auto id = child.attribute("id");
    const auto domain = child.attribute("domain");
    if (!id && !domain) return Errc::missing_attribute;
    if (id) many.except_ids.emplace_back(trim(*id));
    if (domain) many.except_domains.emplace_back(trim(*domain));
  }
  return many;
}

/// Children of other namespaces evaluate to false (RFC 4745 7.1.1), so they have no effect.
Result<Identity> read_identity(const Element& element) {
  Identity identity;
  for (const Element& child : element.children()) {
    if (is_common(child, "one")) {
      const auto id = trim(child.attribute("id").value_or(""));
      if (id.empty()) return Errc::missing_attribute;
      identity.ones.emplace_back(id);
    } else if (is_common(child, "many")) {
      auto many = read_many(child);
      if (many.has_error()) return many.error();
      identity.manys.push_back(std::move(*many));
    }
  }
  return identity;
}

/// <from> and <until> in pairs, in this order (RFC 4745 7.4).
Result<std::vector<Validity>> read_validity(const Element& element) {
  std::vector<Validity> intervals;
  std::optional<WallTime> from;
  for (const Element& child : element.children()) {
    const bool is_from = is_common(child, "from");
    if (!is_from && !is_common(child, "until")) continue;
    const auto time = parse_time(trim(child.text()));
    if (!time) return Errc::bad_value;
    if (is_from == from.has_value()) return Errc::bad_structure;
    if (is_from) {
      from = *time;
    } else {
      intervals.push_back({*from, *time});
      from.reset();
    }
  }
  if (from) return Errc::bad_structure;
  return intervals;
}

Result<void> read_condition(const Element& element, Conditions& conditions) {
  if (is_common(element, "identity")) {
    auto identity = read_identity(element);
    if (identity.has_error()) return identity.error();
    conditions.identity = std::move(*identity);
  } else if (is_common(element, "validity")) {
    auto validity = read_validity(element);
    if (validity.has_error()) return validity.error();
    conditions.validity = std::move(*validity);
  } else if (is_common(element, "sphere")) {
    for (const auto token : split(element.attribute("value").value_or(""), ' ')) {
      if (!token.empty()) conditions.spheres.emplace_back(token);
    }
    if (conditions.spheres.empty()) return Errc::missing_attribute;
  } else if (element.is(ns::rules, "reciprocal")) {
    conditions.reciprocal = true;
  } else {
    conditions.unknown = true;
  }
  return {};
}

ProvideSet read_set(const Element& element, std::string_view all) {
  ProvideSet set;
  for (const Element& child : element.children()) {
    if (child.is(ns::pres_rules, all)) {
      set.all = true;
    } else if (child.ns() == ns::pres_rules) {
      set.selectors.emplace(child.name(), trim(child.text()));
    }
  }
  return set;
}

Result<void> read_provide_direct(const Element& element, Transformations& out) {
  const auto text = trim(element.text());
  const auto mode = ds1::parse_mode(text);
  if (text != ds1::to_string(mode)) return Errc::bad_value;
  out.direct = std::max(out.direct, mode);
  return {};
}

Result<void> read_transformation(const Element& element, Transformations& out) {
  constexpr std::string_view provide = "provide-";
  if (element.is(ns::direct, "provide-direct")) return read_provide_direct(element, out);
  if (element.ns() != ns::pres_rules || !element.name().starts_with(provide)) return {};
  const auto what = element.name().substr(provide.size());
  if (what == "services") {
    out.services = read_set(element, "all-services");
  } else if (what == "persons") {
    out.persons = read_set(element, "all-persons");
  } else if (what == "devices") {
    out.devices = read_set(element, "all-devices");
  } else if (what == "all-attributes") {
    out.all_attributes = true;
  } else if (what == "user-input") {
    out.user_input = trim(element.text());
    if (std::find(user_inputs.begin(), user_inputs.end(), out.user_input) == user_inputs.end()) {
      return Errc::bad_value;
    }
  } else if (what == "unknown-attribute") {
    const auto ns = element.attribute("ns");
    const auto name = element.attribute("name");
    if (!ns || !name) return Errc::missing_attribute;
    if (read_bool(element.text()) == true) out.unknown_attributes.emplace(*ns, *name);
  } else if (read_bool(element.text()) == true) {
    out.attributes.emplace(what);
  }
  return {};
}

Result<void> read_action(const Element& element, Rule& rule) {
  if (!element.is(ns::pres_rules, "sub-handling")) return {};
  const auto handling = parse_sub_handling(element.text());
  if (!handling) return Errc::bad_value;
  rule.handling = std::max(rule.handling.value_or(*handling), *handling);
  return {};
}

Result<void> read_part(const Element& part, Rule& rule) {
  for (const Element& child : part.children()) {
    Result<void> done;
    if (is_common(part, "conditions")) done = read_condition(child, rule.conditions);
    if (is_common(part, "actions")) done = read_action(child, rule);
    if (is_common(part, "transformations")) done = read_transformation(child, rule.transformations);
    if (done.has_error()) return done;
  }
  return {};
}

}  // namespace

Result<Rule> parse_rule(const Element& element) {
  Rule rule;
  rule.id = trim(element.attribute("id").value_or(""));
  if (rule.id.empty()) return Errc::missing_attribute;
  for (const Element& part : element.children()) {
    if (const auto done = read_part(part, rule); done.has_error()) return done.error();
  }
  rule.source = element.keep();
  return rule;
}

Result<Rules> parse_pres_rules(std::string_view body, const xml::Limits& limits) {
  const auto document = xml::parse(body, limits);
  return document ? read_pres_rules(document->root()) : Result<Rules>(document.error());
}

Result<Rules> read_pres_rules(const Element& root) {
  if (!is_common(root, "ruleset")) return Errc::wrong_root;
  Rules rules;
  std::set<std::string> ids;
  for (const Element& child : root.children()) {
    if (!is_common(child, "rule")) {
      rules.extensions.push_back(child.keep());
      continue;
    }
    auto rule = parse_rule(child);
    if (rule.has_error()) return rule.error();
    if (!ids.insert(rule->id).second) return Errc::duplicate_id;
    rules.rules.push_back(std::move(*rule));
  }
  return rules;
}

std::string print(const Rules& rules) {
  xml::Writer writer;
  writer.open("ruleset").declare("", ns::common_policy);
  for (const Rule& rule : rules.rules) writer.raw(rule.source.text);
  for (const auto& extension : rules.extensions) writer.raw(extension.text);
  return writer.finish();
}

namespace {

/// {all up to and with '@', host}; a URI without '@' is all user part.
std::pair<std::string_view, std::string_view> split_host(std::string_view uri) {
  const auto at = uri.rfind('@');
  if (at == std::string_view::npos) return {uri, {}};
  return {uri.substr(0, at), uri.substr(at + 1)};
}

bool matches(const Identity& identity, std::string_view aor) {
  return std::any_of(identity.ones.begin(), identity.ones.end(),
                     [aor](const std::string& id) { return same_user(id, aor); }) ||
         std::any_of(identity.manys.begin(), identity.manys.end(),
                     [aor](const Identity::Many& many) { return matches(many, aor); });
}

void unite(ProvideSet& into, const ProvideSet& from) {
  into.all = into.all || from.all;
  into.selectors.insert(from.selectors.begin(), from.selectors.end());
}

std::size_t rank(std::string_view user_input) {
  return static_cast<std::size_t>(std::find(user_inputs.begin(), user_inputs.end(), user_input) -
                                  user_inputs.begin());
}

void unite(Transformations& into, const Transformations& from) {
  unite(into.services, from.services);
  unite(into.persons, from.persons);
  unite(into.devices, from.devices);
  into.all_attributes = into.all_attributes || from.all_attributes;
  into.attributes.insert(from.attributes.begin(), from.attributes.end());
  into.unknown_attributes.insert(from.unknown_attributes.begin(), from.unknown_attributes.end());
  if (rank(from.user_input) > rank(into.user_input)) into.user_input = from.user_input;
  into.direct = std::max(into.direct, from.direct);
}

}  // namespace

bool same_user(std::string_view id, std::string_view aor) {
  const auto [id_user, id_host] = split_host(id);
  const auto [user, host] = split_host(aor);
  const auto [id_scheme, id_name] = cut(id_user, ':');
  const auto [scheme, name] = cut(user, ':');
  return id_name == name && iequals(id_scheme, scheme) && iequals(id_host, host);
}

bool matches(const Identity::Many& many, std::string_view aor) {
  const auto domain = domain_of_aor(aor);
  if (!many.domain.empty() && !iequals(many.domain, domain)) return false;
  const auto& ids = many.except_ids;
  const auto& domains = many.except_domains;
  return std::none_of(ids.begin(), ids.end(), [&](const std::string& id) { return same_user(id, aor); }) &&
         std::none_of(domains.begin(), domains.end(),
                      [&](const std::string& d) { return iequals(d, domain); });
}

bool matches(const Conditions& conditions, const Asker& asker) {
  return holds_apart_from_identity(conditions, asker) &&
         (!conditions.identity || matches(*conditions.identity, asker.aor));
}

bool holds_apart_from_identity(const Conditions& conditions, const Asker& asker) {
  if (conditions.unknown) return false;
  const auto& spheres = conditions.spheres;
  if (!spheres.empty() && std::find(spheres.begin(), spheres.end(), asker.sphere) == spheres.end())
    return false;
  if (conditions.reciprocal && !asker.lets_see) return false;
  if (!conditions.validity) return true;
  return std::any_of(conditions.validity->begin(), conditions.validity->end(),
                     [&](const Validity& v) { return v.from <= asker.now && asker.now < v.until; });
}

void Combination::add(const Rule& rule) {
  unite(decision_.transformations, rule.transformations);
  if (rule.handling)
    decision_.handling = std::max(decision_.handling.value_or(*rule.handling), *rule.handling);
}

Decision Combination::finish() && {
  if (decision_.handling != SubHandling::allow) decision_.transformations.direct = ds1::Mode::off;
  return std::move(decision_);
}

Decision decide(const Rules& rules, const Asker& asker) {
  Combination combined;
  for (const Rule& rule : rules.rules)
    if (matches(rule.conditions, asker)) combined.add(rule);
  return std::move(combined).finish();
}

}  // namespace beckon::documents
