#include "client/xcap/rules_view.hpp"

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "protocol/base/text.hpp"

namespace beckon::client::xcap {

namespace {

using boost::json::array;

/// "everybody of example.org, except bob@example.org"
std::string words_of(const documents::Identity::Many& many) {
  std::string words = many.domain.empty() ? "everybody" : "everybody of " + many.domain;
  std::string_view separator = ", except ";
  for (const auto* excepted : {&many.except_ids, &many.except_domains}) {
    for (const std::string& each : *excepted) {
      words.append(separator).append(each);
      separator = ", ";
    }
  }
  return words;
}

array whom(const documents::Conditions& conditions) {
  array out;
  if (!conditions.identity) return array{"everybody"};
  for (const std::string& one : conditions.identity->ones) out.emplace_back(one);
  for (const auto& many : conditions.identity->manys) out.emplace_back(words_of(many));
  return out;
}

/// What must hold besides; empty: nothing.
array when(const documents::Conditions& conditions) {
  array out;
  if (conditions.validity)
    for (const auto& validity : *conditions.validity)
      out.emplace_back("from " + print_time(validity.from) + " until " + print_time(validity.until));
  for (const std::string& sphere : conditions.spheres) out.emplace_back("while your sphere is " + sphere);
  if (conditions.reciprocal) out.emplace_back("as long as they let you see them");
  if (conditions.unknown) out.emplace_back("a condition that beckon does not know, so never");
  return out;
}

void add_set(array& out, std::string_view what, const documents::ProvideSet& set) {
  if (set.all) return void(out.emplace_back("all " + std::string(what)));
  for (const auto& [kind, value] : set.selectors)
    out.emplace_back(std::string(what) + " of " + kind + ' ' + value);
}

/// What whoever is allowed sees.
array shows(const documents::Transformations& what) {
  array out;
  if (what.services.all && what.persons.all && what.devices.all && what.all_attributes)
    return array{"everything"};
  add_set(out, "services", what.services);
  add_set(out, "persons", what.persons);
  add_set(out, "devices", what.devices);
  if (what.all_attributes) out.emplace_back("all attributes");
  for (const std::string& each : what.attributes) out.emplace_back(each);
  for (const auto& [ns, name] : what.unknown_attributes) out.emplace_back(name);
  if (!what.user_input.empty() && what.user_input != "false")
    out.emplace_back("last input (" + what.user_input + ")");
  return out;
}

}  // namespace

array make_rules_view(const documents::Rules& rules) {
  array out;
  for (const documents::Rule& rule : rules.rules) {
    boost::json::object row{{"id", rule.id}, {"for", whom(rule.conditions)}};
    if (array conditions = when(rule.conditions); !conditions.empty()) row["when"] = std::move(conditions);
    if (rule.handling) row["handling"] = documents::to_string(*rule.handling);
    if (array seen = shows(rule.transformations); !seen.empty()) row["shows"] = std::move(seen);
    if (rule.transformations.direct != ds1::Mode::off)
      row["direct"] = ds1::to_string(rule.transformations.direct);
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace beckon::client::xcap
