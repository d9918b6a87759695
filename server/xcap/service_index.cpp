#include "server/xcap/service_index.hpp"

#include <utility>

namespace beckon::server::xcap {

std::vector<std::size_t> ServiceIndex::claim(const std::string& owner, const std::string& document,
                                             const std::vector<std::string>& uris) {
  const std::lock_guard lock(mutex_);
  std::vector<std::size_t> taken;
  for (std::size_t i = 0; i < uris.size(); ++i) {
    const auto found = services_.find(uris[i]);
    const bool is_ours =
        found == services_.end() || (found->second.owner == owner && found->second.document == document);
    if (!is_ours) taken.push_back(i);
  }
  if (!taken.empty()) return taken;
  for (const std::string& uri : uris)
    if (services_.try_emplace(uri, Service{uri, owner, document, {}}).second)
      uris_[{owner, document}].push_back(uri);
  return taken;
}

void ServiceIndex::settle(const std::string& owner, const std::string& document,
                          std::vector<Service> services) {
  const std::lock_guard lock(mutex_);
  for (const std::string& uri : uris_[{owner, document}]) services_.erase(uri);
  uris_.erase({owner, document});
  for (Service& service : services) {
    const std::string uri = service.uri;
    if (services_.try_emplace(uri, std::move(service)).second) uris_[{owner, document}].push_back(uri);
  }
}

bool ServiceIndex::has(std::string_view uri) const {
  const std::lock_guard lock(mutex_);
  return services_.contains(uri);
}

std::optional<ServiceIndex::Service> ServiceIndex::find(std::string_view uri) const {
  const std::lock_guard lock(mutex_);
  const auto found = services_.find(uri);
  if (found == services_.end() || found->second.text.empty()) return std::nullopt;
  return found->second;
}

std::vector<std::string> ServiceIndex::index() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> texts;
  for (const auto& [uri, service] : services_)
    if (service.document == "index" && !service.text.empty()) texts.push_back(service.text);
  return texts;
}

}  // namespace beckon::server::xcap
