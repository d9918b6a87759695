#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace beckon::server::xcap {

/// The services of all users of a node: URIs that stand for resource lists (RFC 4826 4.4). No URI has two, so
/// it is one table for all shards, behind a mutex that is held for a look-up or the change of one document.
class ServiceIndex {
 public:
  struct Service {
    std::string uri;       ///< Canonical AOR.
    std::string owner;     ///< Canonical AOR of the user whose document has it.
    std::string document;  ///< "index"
    std::string text;      ///< The <service>, which stands alone.
    bool operator==(const Service&) const = default;
  };

  /// Takes the URIs for a document of `owner` until `settle`. Returns those that belong to another document,
  /// by their place in `uris`; where there are any, none is taken.
  std::vector<std::size_t> claim(const std::string& owner, const std::string& document,
                                 const std::vector<std::string>& uris);
  /// The services of a document are these, and no others.
  void settle(const std::string& owner, const std::string& document, std::vector<Service> services);

  bool has(std::string_view uri) const;
  std::optional<Service> find(std::string_view uri) const;
  /// All services of documents called "index", in the order of their URIs (RFC 4826 4.4.7).
  std::vector<std::string> index() const;

 private:
  using DocumentKey = std::pair<std::string, std::string>;  ///< Owner and document.

  mutable std::mutex mutex_;
  std::map<std::string, Service, std::less<>> services_;  ///< By URI; without text: claimed only.
  std::map<DocumentKey, std::vector<std::string>> uris_;  ///< Of each document, in `services_`.
};

}  // namespace beckon::server::xcap
