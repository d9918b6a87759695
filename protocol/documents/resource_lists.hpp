#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/documents/error.hpp"
#include "protocol/xml/document.hpp"

/// Resource lists and the services made of them (RFC 4826).
namespace beckon::documents {

inline constexpr std::string_view resource_lists_type = "application/resource-lists+xml";
inline constexpr std::string_view rls_services_type = "application/rls-services+xml";

/// A name for people, with its xml:lang or without.
struct DisplayName {
  std::string text;
  std::string lang;
  bool operator==(const DisplayName&) const = default;
};

/// The name that an element has as its text, whatever it is called.
DisplayName read_display_name(const xml::Element& element);

/// One list (RFC 4826 3.1). Lists nest as deep as `xml::Limits::depth` lets them.
struct ResourceList {
  /// What stands in a list, in order.
  struct Item {
    enum class Kind : std::uint8_t {
      entry,      ///< `target` is the URI of a resource.
      entry_ref,  ///< `target` names an entry, relative to the XCAP root.
      external,   ///< `target` names a list elsewhere: an absolute HTTP URI; it may be empty.
      list,       ///< `list` has one.
    };
    Kind kind = Kind::entry;
    std::string target;
    std::optional<DisplayName> name{};  ///< Not of a list: that has its own.
    std::vector<ResourceList> list{};
    std::vector<xml::Fragment> extensions{};
    bool operator==(const Item& other) const;
  };

  std::optional<std::string> name{};  ///< Unique among the lists beside it.
  std::optional<DisplayName> display_name{};
  std::vector<Item> items{};
  std::vector<xml::Fragment> extensions{};
  bool operator==(const ResourceList&) const = default;
};
using ListItem = ResourceList::Item;

struct ResourceLists {
  std::vector<ResourceList> lists{};
  bool operator==(const ResourceLists&) const = default;
};

/// One service: a URI that stands for a list (RFC 4826 4.1).
struct RlsService {
  std::string uri{};
  std::optional<ResourceList> list{};  ///< Absent: `resource_list` says where it is.
  std::string resource_list{};         ///< An absolute HTTP URI of XCAP.
  std::vector<std::string> packages{};
  bool names_packages = false;  ///< Else it serves every event package.
  std::vector<xml::Fragment> extensions{};
  bool operator==(const RlsService&) const = default;
};

struct RlsServices {
  std::vector<RlsService> services{};
  bool operator==(const RlsServices&) const = default;
};

/// Both read what the schemas take, in any order of children, and keep what they do not know. Errors: those
/// of xml::parse; wrong_root; missing_attribute (uri, ref); bad_structure: a second display name, a service
/// with no list or two.
Result<ResourceLists> parse_resource_lists(std::string_view body, const xml::Limits& limits = {});
Result<RlsServices> parse_rls_services(std::string_view body, const xml::Limits& limits = {});
/// Of a document that is read already.
Result<RlsServices> read_rls_services(const xml::Element& root);
/// What stands in a `<list>`, whichever namespace that is in. The same errors.
Result<ResourceList> read_resource_list(const xml::Element& element);

/// What XCAP refuses of a document that is written: twins within it (RFC 4826 3.4.5, 4.4.5). Lists that come
/// in messages may have them (RFC 5366 6 does). Error: duplicate_id, for two lists of one name, or two
/// entries, entry-refs or externals with one target, beside each other; two services with one URI.
Result<void> check_twins(const ResourceLists& lists);
Result<void> check_twins(const RlsServices& services);

std::string print(const ResourceLists& lists);
std::string print(const RlsServices& services);

}  // namespace beckon::documents
