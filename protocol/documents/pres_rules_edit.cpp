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

/// `kind` is "id", then `whom` is an AOR; or "domain".
Result<void> except(Rule& rule, std::string_view whom, std::string_view kind = "id") {
  xml::Writer writer(xml::Writer::Start::fragment);
  writer.open("except").declare("", ns::common_policy).attribute(kind, whom);
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

/// Whom a rule of ours is for: one watcher, or a domain without those that have a rule of their own.
struct Whom {
  std::string_view aor{}, domain{};
  std::vector<std::string> excepted{};
};

void write_conditions(xml::Writer& writer, const Whom& whom) {
  writer.open("conditions").open("identity");
  if (whom.domain.empty()) {
    writer.open("one").attribute("id", whom.aor).close();
  } else {
    writer.open("many").attribute("domain", whom.domain);
    for (const std::string& id : whom.excepted) writer.open("except").attribute("id", id).close();
    writer.close();
  }
  writer.close().close();
}

/// An allowed watcher sees everything, as the user was not asked for more detail.
std::string print_rule(const std::string& id, const Whom& whom, const Verdict& verdict) {
  xml::Writer writer(xml::Writer::Start::fragment);
  writer.open("rule").declare("", ns::common_policy).declare("pr", ns::pres_rules);
  if (verdict.handling == SubHandling::allow) writer.declare("d", ns::direct);
  writer.attribute("id", id);
  write_conditions(writer, whom);
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

Result<void> add_rule(Rules& rules, const Whom& whom, const Verdict& verdict) {
  const auto document = xml::parse(print_rule(unused_id(rules), whom, verdict));
  if (document.has_error()) return document.error();
  auto rule = parse_rule(document->root());
  if (rule.has_error()) return rule.error();
  rules.rules.push_back(std::move(*rule));
  return {};
}

bool is_of_domain(const Identity::Many& many, std::string_view domain) {
  return !many.domain.empty() && iequals(many.domain, domain);
}

bool names_domain(const Rule& rule, std::string_view domain) {
  const auto& identity = rule.conditions.identity;
  return identity &&
         std::ranges::any_of(identity->manys, [&](const auto& many) { return is_of_domain(many, domain); });
}

/// Does this condition name the domain alone?
bool names_only_domain(const Identity& identity, std::string_view domain) {
  return identity.ones.empty() &&
         std::ranges::all_of(identity.manys, [&](const auto& many) { return is_of_domain(many, domain); });
}

Result<void> take_out_domain(Rule& rule, std::string_view domain) {
  return edit_identity(rule, [domain](xml::Editor& editor, const Element& child) {
    if (!child.is(ns::common_policy, "many")) return;
    if (iequals(trim(child.attribute("domain").value_or("")), domain)) editor.remove(child);
  });
}

/// Users of the domain whose own rules give less than the verdict.
std::vector<std::string> less_favoured(const Rules& rules, std::string_view domain, const Verdict& verdict) {
  std::vector<std::string> ids;
  for (const Rule& rule : rules.rules) {
    if (!rule.conditions.identity || !rule.handling) continue;
    const bool gives_less =
        *rule.handling < verdict.handling ||
        (*rule.handling == verdict.handling && rule.transformations.direct < verdict.direct);
    for (const std::string& id : rule.conditions.identity->ones)
      if (gives_less && iequals(domain_of_aor(id), domain) && std::ranges::find(ids, id) == ids.end())
        ids.push_back(id);
  }
  return ids;
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
  if (const auto added = add_rule(next, {.aor = aor}, verdict); added.has_error()) return added;
  rules = std::move(next);
  return {};
}

void forget_domain(Rules& rules, std::string_view domain) {
  std::erase_if(rules.rules, [domain](Rule& rule) {
    if (!names_domain(rule, domain)) return false;
    return names_only_domain(*rule.conditions.identity, domain) || take_out_domain(rule, domain).has_error();
  });
}

Result<void> set_domain(Rules& rules, std::string_view domain, Verdict verdict) {
  Rules next = rules;
  forget_domain(next, domain);
  for (Rule& rule : next.rules) {
    if (!outvotes(rule, verdict)) continue;
    if (!rule.conditions.identity) return Errc::rule_in_the_way;
    const auto& manys = rule.conditions.identity->manys;
    if (std::ranges::none_of(manys, [](const auto& many) { return many.domain.empty(); })) continue;
    if (const auto done = except(rule, domain, "domain"); done.has_error()) return done;
  }
  Whom whom{.domain = domain, .excepted = less_favoured(next, domain, verdict)};
  if (const auto added = add_rule(next, whom, verdict); added.has_error()) return added;
  rules = std::move(next);
  return {};
}

}  // namespace beckon::documents
