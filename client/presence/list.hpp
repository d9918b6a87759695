#pragma once

#include <boost/json/array.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/documents/rlmi.hpp"

namespace beckon::client::presence {

/// What is known of the members of one list, from the NOTIFYs of a subscription to it (RFC 4662 5.6). The
/// members of lists in the list count as its own.
class List {
 public:
  enum class Taken {
    yes,
    stale,       ///< Older than what is known: left out.
    gap,         ///< Taken, but documents were missed, or the table grew too large; ask for full state.
    unreadable,  ///< No such document; ask for full state.
  };
  static constexpr std::size_t members_max = 2048;

  struct Member {
    std::string name;        ///< For people; often empty.
    std::string state;       ///< "active", "pending", "terminated", "unknown".
    std::string reason;      ///< Why it is terminated.
    std::string document{};  ///< Of the package's type; empty unless it is active and the server sent it.
    bool operator==(const Member&) const = default;
  };

  /// A body and its Content-Type. `changed` gets the members whose document is another one, or none, now.
  Taken take(std::string_view body, std::string_view content_type, std::vector<std::string>& changed);

  const std::map<std::string, Member>& members() const { return members_; }  ///< By AOR.
  std::uint32_t version() const { return version_; }
  bool was_full() const { return was_full_; }  ///< The last document taken.
  boost::json::array json() const;

 private:
  std::map<std::string, Member> members_;
  std::uint32_t version_ = 0;
  bool is_known_ = false, was_full_ = false;
};

}  // namespace beckon::client::presence
