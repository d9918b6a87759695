#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/documents/pidf_diff.hpp"
#include "protocol/sip/message.hpp"
#include "tests/simulation/list_document.hpp"

namespace beckon::simulation {

/// What a document of changes says of itself.
struct DocumentVersion {
  std::uint32_t number = 0;
  bool is_partial = false;
};
/// Of watcher, registration and dialog information, and of lists; absent for bodies of other types. `fault`
/// is set where the body cannot be read.
std::optional<DocumentVersion> version_of(const sip::Message& notify, std::string& fault);

/// What a watcher knows of a resource from the NOTIFYs of one subscription: the newest full document with the
/// partial ones after it. Two watchers that know the same have pictures that print alike.
class Picture {
 public:
  /// Takes in the next NOTIFY. Gives what is wrong with it; empty where nothing is.
  std::string apply(const sip::Message& notify);
  /// A document that says nothing but the state as it came, or as it is put together of its parts; of others
  /// a line for each thing in them.
  std::string print() const;
  const std::string& entity_tag() const { return entity_tag_; }
  bool is_empty() const { return body_.empty() && !version_; }
  /// Of a list: what is known of each of its resources, by URI.
  const std::map<std::string, ListDocument::Resource>& rows() const { return rows_; }
  /// Null where the list does not name it. The next NOTIFY ends what this points at.
  const ListDocument::Resource* row(const std::string& uri) const;

 private:
  std::string apply_partial(const sip::Message& notify);
  std::string apply_list(const ListDocument& list);

  std::string body_;
  documents::PartialPresence partial_;  ///< Makes `body_` of what comes in parts.
  std::string entity_tag_;
  std::optional<std::uint32_t> version_;      ///< Of the last document of changes.
  std::map<std::string, std::string> items_;  ///< Watchers, contacts or dialogs that are not over, by id.
  std::map<std::string, ListDocument::Resource> rows_;
};

}  // namespace beckon::simulation
