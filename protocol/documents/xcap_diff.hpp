#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/documents/error.hpp"
#include "protocol/xml/document.hpp"
#include "protocol/xml/writer.hpp"

/// Changes of XCAP resources (RFC 5874): documents, and parts of them.
namespace beckon::documents {

inline constexpr std::string_view xcap_diff_type = "application/xcap-diff+xml";
inline constexpr std::string_view xcap_diff_ns = "urn:ietf:params:xml:ns:xcap-diff";

/// Prefixes with their namespaces; the empty prefix is the default namespace.
using Declarations = std::vector<std::pair<std::string, std::string>>;

/// What makes one version of a document of another, as XML patch operations (RFC 5261).
struct XcapPatch {
  Declarations declarations;  ///< Of the prefixes that the operations use.
  std::string operations;     ///< Empty: both say the same.
};
/// Absent: there is none of at most `size_max` octets, or it takes too long to find.
std::optional<XcapPatch> make_xcap_patch(std::string_view from, std::string_view to, std::size_t size_max);

/// Writes a document of changes, in the order of the calls. `sel` names a resource relative to the root.
class XcapDiffWriter {
 public:
  /// `root`: URI of the XCAP root.
  explicit XcapDiffWriter(std::string_view root);

  /// A document with its entity-tags before and after; an empty one says that there was, or is, none. With
  /// `patch` it says what changed; else whoever wants to know reads the document.
  void document(std::string_view sel, std::string_view previous, std::string_view next,
                const XcapPatch* patch = nullptr);
  /// An element as it is written in its document, and the declarations in scope there. Without `source` it
  /// exists, and is not shown.
  void element(std::string_view sel, const Declarations& declarations, std::string_view source);
  void attribute(std::string_view sel, std::string_view value);
  /// It exists no more.
  void no_element(std::string_view sel);
  void no_attribute(std::string_view sel);

  std::size_t size() const { return writer_.size(); }
  std::string finish() { return writer_.finish(); }

 private:
  void declare(const Declarations& declarations);

  xml::Writer writer_;
};

/// Such a document, as it is read.
struct XcapDiff {
  struct Item {
    enum class Kind { document, element, attribute };
    Kind kind = Kind::document;
    std::string sel{};
    std::string previous_etag{}, new_etag{};  ///< Of a document; empty: there is none.
    bool is_unchanged = false;                ///< A document has another entity-tag, and says the same.
    bool has_patch = false;                   ///< `apply_patch` makes the new document.
    bool exists = true;                       ///< Of an element or attribute.
    std::string content{};  ///< An element that stands alone, empty where not shown; an attribute's value.
    bool operator==(const Item&) const = default;
  };
  std::string root;  ///< URI of the XCAP root.
  std::vector<Item> items;
};
/// Errors: those of xml::parse; wrong_root; missing_attribute (xcap-root, sel); bad_value (exists).
Result<XcapDiff> parse_xcap_diff(std::string_view body, const xml::Limits& limits = {});

/// What becomes of a document by the patch of `XcapDiff::items[item]` of `body`. Errors: those of xml::parse
/// and xml_patch; bad_structure: there is no such item.
Result<std::string> apply_patch(std::string_view body, std::size_t item, std::string_view document);

}  // namespace beckon::documents
