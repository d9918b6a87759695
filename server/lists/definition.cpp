#include "server/lists/definition.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_set>

#include "protocol/base/text.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/sip/uri.hpp"
#include "protocol/xcap/target.hpp"
#include "protocol/xml/selector.hpp"

namespace beckon::server::lists {

using documents::ListItem;
using documents::ResourceList;

namespace {

/// Of one list, so that nobody makes the server walk for ever.
constexpr std::size_t references_max = 100;

/// What a node selector found: one of the two, or neither.
struct Node {
  const ResourceList* list = nullptr;
  const ListItem* entry = nullptr;
};

bool is_named(const Node& node, const xml::Selector::Predicate& predicate) {
  if (predicate.kind != xml::Selector::Predicate::Kind::attribute || !predicate.ns.empty()) return false;
  if (node.entry) return predicate.name == "uri" && node.entry->target == predicate.value;
  return predicate.name == "name" && node.list->name == predicate.value;
}

/// The children that one step of a selector names, in order.
std::vector<Node> step_into(const std::vector<ListItem>& items, const xml::Selector::Step& step) {
  const bool is_entry = step.name == "entry";
  std::vector<Node> found;
  for (const ListItem& item : items) {
    if (is_entry && item.kind == ListItem::Kind::entry) found.push_back({nullptr, &item});
    if (!is_entry && item.kind == ListItem::Kind::list) found.push_back({&item.list.front(), nullptr});
  }
  return found;
}

bool narrow(std::vector<Node>& nodes, const xml::Selector::Step& step) {
  for (const auto& predicate : step.predicates) {
    if (predicate.kind == xml::Selector::Predicate::Kind::position) {
      if (predicate.position == 0 || predicate.position > nodes.size()) return false;
      nodes = {nodes[predicate.position - 1]};
    } else {
      std::erase_if(nodes, [&](const Node& node) { return !is_named(node, predicate); });
    }
  }
  return nodes.size() == 1;
}

/// The list or entry that "resource-lists/list[@name="friends"]" names (RFC 4825 6.3).
Node find_node(const documents::ResourceLists& lists, const std::string& selector_text) {
  const auto find_ns = [](std::string_view) {
    return std::optional<std::string_view>(documents::ns::resource_lists);
  };
  const auto selector = xml::parse_selector(selector_text, find_ns);
  if (!selector || selector->id || selector->target != xml::Selector::Target::element) return {};
  const auto& steps = selector->steps;
  if (steps.size() < 2 || steps[0].name != "resource-lists" || !steps[0].predicates.empty()) return {};
  std::vector<Node> nodes;
  for (const ResourceList& list : lists.lists) nodes.push_back({&list, nullptr});
  Node node;
  for (std::size_t i = 1; i < steps.size(); ++i) {
    const bool is_known = steps[i].name == "list" || (steps[i].name == "entry" && i > 1);
    if (!is_known) return {};
    if (i > 1) nodes = node.list ? step_into(node.list->items, steps[i]) : std::vector<Node>();
    if (!narrow(nodes, steps[i])) return {};
    node = nodes.front();
  }
  return node;
}

/// Makes a list flat.
class Walk {
 public:
  Walk(const Source& source, Definition& made) : source_(source), made_(made) {}

  void add(const ResourceList& list) {
    for (const ListItem& item : list.items) {
      switch (item.kind) {
        case ListItem::Kind::entry:
          entry(item);
          break;
        case ListItem::Kind::list:
          add(item.list.front());
          break;
        case ListItem::Kind::entry_ref:
          follow(std::string(source_.root) + '/' + item.target, /*is_list=*/false);
          break;
        case ListItem::Kind::external:
          follow(item.target, /*is_list=*/true);
          break;
      }
    }
  }

  /// `is_service`: it is what the service itself says. False: there is no such thing, or it was followed
  /// before, whatever it was called.
  bool follow(const std::string& reference, bool is_list, bool is_service = false) {
    if (!source_.find || references_ == references_max) return false;
    ++references_;
    const auto target = beckon::xcap::parse_target(reference, source_.root);
    if (!target || target->auid != "resource-lists" || !target->has_node ||
        target->tree != beckon::xcap::Target::Tree::users)
      return false;
    const std::string user =
        target->user.find(':') == std::string::npos ? "sip:" + target->user : target->user;
    if (aor_of(user) != source_.owner) return false;
    const documents::ResourceLists* lists = read(target->document);
    if (!lists) return false;
    const Node node = find_node(*lists, target->node_selector);
    if (is_list && node.list) {
      if (!followed_.insert(node.list).second) return false;
      if (is_service && node.list->display_name) made_.names.push_back(*node.list->display_name);
      add(*node.list);
      return true;
    }
    if (is_list || !node.entry) return false;
    entry(*node.entry);
    return true;
  }

 private:
  /// Null: there is none, or it cannot be read. Each is read once.
  const documents::ResourceLists* read(const std::string& document) {
    const auto [place, is_new] = documents_.try_emplace(document);
    if (is_new) {
      auto lists = documents::parse_resource_lists(source_.find("resource-lists", document));
      if (lists) place->second = std::move(*lists);
    }
    return place->second ? &*place->second : nullptr;
  }
  void entry(const ListItem& item) {
    if (made_.members.size() >= source_.members_max || aor_of(item.target).empty()) return;
    if (!seen_.insert(item.target).second) return;
    Definition::Member member{.uri = item.target};
    if (item.name) member.names.push_back(*item.name);
    made_.members.push_back(std::move(member));
  }

  const Source& source_;
  Definition& made_;
  std::unordered_set<std::string> seen_;
  std::map<std::string, std::optional<documents::ResourceLists>> documents_;  ///< By name.
  std::unordered_set<const ResourceList*> followed_;
  std::size_t references_ = 0;
};

}  // namespace

std::string aor_of(std::string_view text) {
  constexpr std::string_view pres = "pres:";
  const bool is_pres = iequals(text.substr(0, pres.size()), pres);  // RFC 3859 3: otherwise as a SIP URI
  const auto uri =
      is_pres ? sip::parse_uri("sip:" + std::string(text.substr(pres.size()))) : sip::parse_uri(text);
  if (!uri || !uri->is_sip() || uri->host.empty() || uri->user.empty()) return {};
  return sip::canonical_aor(*uri);
}

Definition define(const Source& source, const std::string& uri, std::string_view package) {
  Definition made;
  const auto services = documents::parse_rls_services(source.find("rls-services", "index"));
  if (!services) return made;
  std::set<std::string> lists;
  const documents::RlsService* service = nullptr;
  for (const auto& each : services->services) {
    const std::string aor = aor_of(each.uri);
    if (aor == uri && !service) service = &each;
    lists.insert(aor);
  }
  if (!service) return made;
  made.status = 489;
  if (service->names_packages && std::ranges::find(service->packages, package) == service->packages.end())
    return made;
  made.status = 200;
  Walk walk(source, made);
  if (service->list) {
    if (service->list->display_name) made.names.push_back(*service->list->display_name);
    walk.add(*service->list);
  } else if (!walk.follow(service->resource_list, /*is_list=*/true, /*is_service=*/true)) {
    made.status = 502;
  }
  for (auto& member : made.members) member.is_list = lists.contains(aor_of(member.uri));
  return made;
}

Result<Definition> define_carried(std::string_view body, std::size_t members_max) {
  const auto lists = documents::parse_resource_lists(body);
  if (lists.has_error()) return lists.error();
  Definition made{.status = 200};
  const Source nothing{.owner = {}, .find = {}, .members_max = members_max};
  Walk walk(nothing, made);
  for (const ResourceList& list : lists->lists) walk.add(list);
  return made;
}

}  // namespace beckon::server::lists
