#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::simulation {

/// What the NOTIFY of a list says (RFC 4662 5): its meta-information, each resource with its part.
struct ListDocument {
  struct Resource {
    std::string uri;
    std::string state{};  ///< Empty: nothing is known of it yet.
    std::string reason{};
    std::string type{}, text{};  ///< Of its part.
  };
  std::uint32_t version = 0;
  bool is_full = false;
  std::vector<Resource> resources{};
};

/// Absent for a body of another type. `fault` is set where one cannot be read.
std::optional<ListDocument> read_list(std::string_view content_type, std::string_view body,
                                      std::string& fault);

/// The state of each resource that is no list itself, of lists in the list too, in their order.
std::vector<ListDocument::Resource> leaves_of(const ListDocument& list, std::string& fault);

}  // namespace beckon::simulation
