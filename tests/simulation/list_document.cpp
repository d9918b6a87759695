#include "tests/simulation/list_document.hpp"

#include "protocol/documents/multipart.hpp"
#include "protocol/documents/rlmi.hpp"

namespace beckon::simulation {

std::optional<ListDocument> read_list(std::string_view content_type, std::string_view body,
                                      std::string& fault) {
  if (!documents::is_multipart(content_type)) return std::nullopt;
  const auto multipart = documents::parse_multipart(body, content_type);
  if (!multipart) {
    fault = "a multipart that cannot be read: " + multipart.error().message();
    return std::nullopt;
  }
  const auto rlmi = documents::parse_rlmi(root_of(*multipart, content_type).body);
  if (!rlmi) {
    fault = "meta-information of a list that cannot be read: " + rlmi.error().message();
    return std::nullopt;
  }
  ListDocument list{.version = rlmi->version, .is_full = rlmi->is_full};
  for (const auto& resource : rlmi->resources) {
    ListDocument::Resource read{.uri = resource.uri};
    for (const auto& instance : resource.instances) {
      read.state = to_string(instance.state);
      read.reason = instance.reason;
      if (instance.cid.empty()) continue;
      const documents::Part* part = find_content_id(multipart->parts, instance.cid);
      if (!part) fault = "no part for " + resource.uri;
      if (!part) return std::nullopt;
      read.type = part->content_type();
      read.text = part->body;
    }
    list.resources.push_back(std::move(read));
  }
  return list;
}

std::vector<ListDocument::Resource> leaves_of(const ListDocument& list, std::string& fault) {
  std::vector<ListDocument::Resource> leaves;
  for (const auto& resource : list.resources) {
    const auto inner = read_list(resource.type, resource.text, fault);
    if (!inner) {
      leaves.push_back(resource);
      continue;
    }
    const auto further = leaves_of(*inner, fault);
    leaves.insert(leaves.end(), further.begin(), further.end());
  }
  return leaves;
}

}  // namespace beckon::simulation
