#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/random.hpp"
#include "protocol/documents/rlmi.hpp"
#include "server/subscription/follow.hpp"

/// The body of a NOTIFY of a list (RFC 4662 5): meta-information, and the state of members beside it.
namespace beckon::server::lists {

/// What is known of one member of a list.
struct MemberState {
  std::string uri;
  std::vector<documents::DisplayName> names{};
  bool is_known = false;  ///< Else the rest means nothing.
  subscription::Report::State state{};
  std::string_view reason{};
  subscription::Content content{};
  bool is_due = false;  ///< The watcher has not been sent the newest.
};

struct BodyHead {
  std::string uri;  ///< Of the list.
  std::vector<documents::DisplayName> names{};
  std::uint32_t version = 0;
  std::string domain;  ///< Of the Content-IDs.
  bool is_full = false;
};

/// Content-Type without its parameters for this body.
inline constexpr std::string_view list_body_type = "multipart/related;type=\"application/rlmi+xml\"";

/// For the state of members in one body.
struct BodyRoom {
  std::size_t octets_max = 0;  ///< Of all together,
  std::size_t alone_max = 0;   ///< and of one that goes alone; what is longer never goes.
};

/// A full body names all members, a partial one those that are due. State goes in as far as there is room;
/// whoever finds none is due afterwards, and nobody else is. A member whose state never goes is named alone.
subscription::Content make_body(const BodyHead& head, std::span<MemberState* const> members,
                                const BodyRoom& room, Random& random);

}  // namespace beckon::server::lists
