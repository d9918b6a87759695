#include "client/contacts/services.hpp"

#include <algorithm>

#include "protocol/documents/resource_lists.hpp"
#include "protocol/sip/uri.hpp"
#include "protocol/xcap/target.hpp"

namespace beckon::client::contacts {

namespace {

Result<documents::RlsServices> read_services(std::string_view text) {
  if (text.empty()) return documents::RlsServices{};
  return documents::parse_rls_services(text);
}

std::string address_of(const documents::RlsService& service) {
  const auto uri = sip::parse_uri(service.uri);
  return uri ? sip::canonical_aor(*uri) : std::string();
}

bool is_for(const documents::RlsService& service, const std::string& package) {
  return !service.names_packages || std::ranges::find(service.packages, package) != service.packages.end();
}

}  // namespace

Result<std::string> find_service(std::string_view text, const std::string& reference, const std::string& root,
                                 const std::string& package) {
  const auto services = read_services(text);
  if (!services) return services.error();
  const auto wanted = beckon::xcap::parse_target(reference, root);
  for (const auto& service : services->services) {
    const auto target = beckon::xcap::parse_target(service.resource_list, root);
    if (wanted && target && *wanted == *target && is_for(service, package)) return address_of(service);
  }
  return std::string();
}

Result<std::string> add_service(std::string_view text, const std::string& uri, const std::string& reference) {
  auto services = read_services(text);
  if (!services) return services.error();
  documents::RlsService service;
  service.uri = uri;
  service.resource_list = reference;
  services->services.push_back(std::move(service));
  if (const auto checked = documents::check_twins(*services); !checked) return checked.error();
  return documents::print(*services);
}

}  // namespace beckon::client::contacts
