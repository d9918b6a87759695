#include <algorithm>

#include "protocol/base/text.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/pres_rules.hpp"
#include "protocol/xml/edit.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::documents {

namespace {

using xml::Element;

/// Does this condition name the user alone?
bool names_only(const Identity& identity, std::string_view aor) {
  return identity.manys.empty() && std::all_of(identity.ones.begin(), identity.ones.end(),
                                               [aor](const std::string& id) { return same_user(id, aor); });
}

bool names(const Rule& rule, std::string_view aor) {
  const auto& identity = rule.conditions.identity;
  return identity && std::any_of(identity->ones.begin(), identity->ones.end(),
                                 [aor](const std::string& id) { return same_user(id, aor); });
}

/// Applies `change(editor, child)` to every child of <identity> and reads the rule anew.
template <class Change>
Result<void> edit_identity(Rule& rule, Change change) {
  const auto document = xml::parse(rule.source);
  if (document.has_error()) return document.error();
  const Element& root = document->root();
  const Element* conditions = root.child(ns::common_policy, "conditions");
  const Element* identity = conditions ? conditions->child(ns::common_policy, "identity") : nullptr;
  if (identity == nullptr) return Errc::bad_structure;
  xml::Editor editor(root);
  for (const Element& child : identity->children()) change(editor, child);
  const auto edited = xml::parse(editor.finish());
  if (edited.has_error()) return edited.error();
  auto read = parse_rule(edited->root());
  if (read.has_error()) return read.error();
  rule = std::move(*read);
  return {};
}

Result<void> take_out(Rule& rule, std::string_view aor) {
  return edit_identity(rule, [aor](xml::Editor& editor, const Element& child) {
    if (!child.is(ns::common_policy, "one")) return;
    if (same_user(trim(child.attribute("id").value_or("")), aor)) editor.remove(child);
  });
}

Result<void> except(Rule& rule, std::string_view aor) {
  xml::Writer writer(xml::Writer::Start::fragment);
  writer.open("except").declare("", ns::common_policy).attribute("id", aor);
  const std::string exception = writer.finish();
  return edit_identity(rule, [&exception](xml::Editor& editor, const Element& child) {
    if (child.is(ns::common_policy, "many")) editor.append(child, exception);
  });
}

/// Would the rule, combined by maximum, give more than the verdict?
bool outvotes(const Rule& rule, const Verdict& verdict) {
  if (rule.conditions.unknown) return false;
  if (rule.handling && *rule.handling > verdict.handling) return true;
  return verdict.handling == SubHandling::allow && rule.transformations.direct > verdict.direct;
}

bool reaches(const Rule& rule, std::string_view aor) {
  const auto& manys = rule.conditions.identity->manys;
  return std::any_of(manys.begin(), manys.end(), [aor](const auto& many) { return matches(many, aor); });
}

std::string unused_id(const Rules& rules) {
  for (std::size_t n = rules.rules.size() + 1;; ++n) {
    std::string id = "w" + std::to_string(n);
    const auto same = [&id](const Rule& rule) { return rule.id == id; };
    if (std::none_of(rules.rules.begin(), rules.rules.end(), same)) return id;
  }
}

/// The rule of one watcher. An allowed watcher sees everything, as the user was not asked for more detail.
std::string print_rule(const std::string& id, std::string_view aor, const Verdict& verdict) {
  xml::Writer writer(xml::Writer::Start::fragment);
  writer.open("rule").declare("", ns::common_policy).declare("pr", ns::pres_rules);
  if (verdict.handling == SubHandling::allow) writer.declare("d", ns::direct);
  writer.attribute("id", id);
  writer.open("conditions").open("identity").open("one").attribute("id", aor).close().close().close();
  writer.open("actions").element("pr:sub-handling", to_string(verdict.handling)).close();
  writer.open("transformations");
  if (verdict.handling == SubHandling::allow) {
    writer.open("pr:provide-services").open("pr:all-services").close().close();
    writer.open("pr:provide-persons").open("pr:all-persons").close().close();
    writer.open("pr:provide-devices").open("pr:all-devices").close().close();
    writer.open("pr:provide-all-attributes").close();
    writer.element("d:provide-direct", ds1::to_string(verdict.direct));
  }
  return writer.finish();
}

}  // namespace

void forget_watcher(Rules& rules, std::string_view aor) {
  // A rule that cannot be changed, for it would pass a limit, goes: better no decision than an old one.
  std::erase_if(rules.rules, [aor](Rule& rule) {
    if (!names(rule, aor)) return false;
    return names_only(*rule.conditions.identity, aor) || take_out(rule, aor).has_error();
  });
}

Result<void> set_watcher(Rules& rules, std::string_view aor, Verdict verdict) {
  Rules next = rules;
  forget_watcher(next, aor);
  for (Rule& rule : next.rules) {
    if (!outvotes(rule, verdict)) continue;
    if (!rule.conditions.identity) return Errc::rule_in_the_way;
    if (!reaches(rule, aor)) continue;
    if (const auto done = except(rule, aor); done.has_error()) return done;
  }
  const auto document = xml::parse(print_rule(unused_id(next), aor, verdict));
  if (document.has_error()) return document.error();
  auto rule = parse_rule(document->root());
  if (rule.has_error()) return rule.error();
  next.rules.push_back(std::move(*rule));
  rules = std::move(next);
  return {};
}

}  // namespace beckon::documents
