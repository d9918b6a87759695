#pragma once

#include <string>
#include <string_view>

#include "protocol/base/result.hpp"
#include "protocol/base/time.hpp"
#include "protocol/event/compositor.hpp"
#include "protocol/transaction/transport.hpp"

/// The texts this room keeps in the store: one line of JSON each.
namespace beckon::server::presence {

/// A moment of the monotonic clock as wall-clock milliseconds, so that it survives the process; and back.
std::int64_t to_wall(Time moment, Now now);
Time from_wall(std::int64_t milliseconds, Now now);

/// `Publication::data` is kept as a mark only: "direct" where the document lacks its <direct>.
std::string print(const event::Publication& publication, Now now);
/// The id is the record's key. Errors: std::errc::invalid_argument.
Result<event::Publication> parse_publication(std::string_view id, std::string_view text, Now now);

/// Mark of a publication whose device must send it whole after a restart.
inline constexpr std::string_view direct_mark = "direct";

}  // namespace beckon::server::presence
