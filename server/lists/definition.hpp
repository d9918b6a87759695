#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/documents/resource_lists.hpp"

/// Which resources a list has, by its owner's documents. Pure.
namespace beckon::server::lists {

struct Definition {
  struct Member {
    std::string uri;  ///< As the list has it.
    std::vector<documents::DisplayName> names{};
    bool is_list = false;  ///< It is a list of the same owner.
    bool operator==(const Member&) const = default;
  };
  /// 200; 404, there is no such list; 489, it is for other event packages; 502, it lies in another document
  /// and is not found there (RFC 4826 4.5).
  int status = 404;
  std::vector<documents::DisplayName> names{};
  std::vector<Member> members{};
  bool operator==(const Definition&) const = default;
};

/// The AOR that stands for `uri`: that of a sip, sips or pres URI; empty for any other.
std::string aor_of(std::string_view uri);

/// What a list is made from: the documents of one owner.
struct Source {
  std::string owner;  ///< A canonical AOR.
  /// The text of a document of a usage ("resource-lists", "index"); empty: there is none.
  std::function<std::string_view(std::string_view usage, std::string_view document)> find;
  std::string_view root = "/xcap";  ///< Path of XCAP, as references have it.
  std::size_t members_max = 500;    ///< Further ones are left out.
};

/// The list that the services of the owner have for `uri`, a canonical AOR, and `package`. Lists in lists are
/// made flat; a URI stands once (RFC 4826 4.5). References are followed to documents of the same owner only,
/// 100 of them and each list once: others are private, or elsewhere. An entry that cannot be found is left
/// out.
Definition define(const Source& source, const std::string& uri, std::string_view package);

/// The list of a SUBSCRIBE (RFC 5367 4): its entries, lists in lists made flat; references are left out.
/// Nullopt: it is no such document. `members_max` as above.
Result<Definition> define_carried(std::string_view body, std::size_t members_max);

}  // namespace beckon::server::lists
