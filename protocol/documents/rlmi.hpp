#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/documents/error.hpp"
#include "protocol/documents/resource_lists.hpp"
#include "protocol/xml/document.hpp"

/// Resource list meta-information: what a NOTIFY of a list says of its resources (RFC 4662 5).
namespace beckon::documents {

inline constexpr std::string_view rlmi_type = "application/rlmi+xml";

/// State of the virtual subscription to one notifier of a resource.
struct RlmiInstance {
  enum class State : std::uint8_t { active, pending, terminated };
  std::string id;  ///< Unique within the resource.
  State state = State::active;
  std::string reason{};  ///< Why it is terminated, as in Subscription-State.
  std::string cid{};     ///< Content-ID of the part with its state; empty: none.
  bool operator==(const RlmiInstance&) const = default;
};
const char* to_string(RlmiInstance::State state);

struct RlmiResource {
  std::string uri;
  std::vector<DisplayName> names{};
  std::vector<RlmiInstance> instances{};  ///< None: nothing is known of it yet.
  bool operator==(const RlmiResource&) const = default;
};

struct Rlmi {
  std::string uri;  ///< Of the list.
  std::uint32_t version = 0;
  bool is_full = false;  ///< It names every resource of the list.
  std::string cid{};     ///< Of a part about the list as a whole; often empty.
  std::vector<DisplayName> names{};
  std::vector<RlmiResource> resources{};
  bool operator==(const Rlmi&) const = default;
};

/// Errors: those of xml::parse, wrong_root, missing_attribute (those of the list), bad_value (version,
/// fullState). A resource without URI, and an instance without id or with a state we do not know, is left
/// out.
Result<Rlmi> parse_rlmi(std::string_view body, const xml::Limits& limits = {});
std::string print(const Rlmi& rlmi);

}  // namespace beckon::documents
