#include "protocol/event/body_type.hpp"

#include <algorithm>

#include "protocol/sip/header_value.hpp"

namespace beckon::event {

namespace {

/// What Accept says of one type.
struct Wanted {
  unsigned q = 0;     ///< Thousandths; 0: not acceptable (RFC 3261 20.1, RFC 7231 5.3.1).
  int closeness = 0;  ///< Of the range that says it: 3 names the type itself; 0: none.
};

constexpr unsigned q_max = 1000;

unsigned q_of(std::string_view range) {
  const auto q = sip::find_parameter(range.substr(std::min(range.find(';'), range.size())), "q");
  return q ? sip::parse_q(*q).value_or(q_max) : q_max;
}

Wanted find_wanted(std::span<const std::string_view> accepted, std::string_view type) {
  const std::string all_of_main = std::string(type.substr(0, type.find('/'))) + "/*";
  Wanted wanted;
  for (const auto value : accepted) {
    const auto range = sip::media_type(value);
    const int closeness = range == type ? 3 : range == all_of_main ? 2 : range == "*/*" ? 1 : 0;
    if (closeness > wanted.closeness) wanted = {q_of(value), closeness};
  }
  return wanted;
}

}  // namespace

std::string_view choose_body_type(const sip::Message& request, std::span<const std::string_view> offered,
                                  std::string_view by_name) {
  if (offered.empty()) return {};
  if (!request.has(sip::HeaderId::accept)) return offered.front();
  const auto accepted = request.values(sip::HeaderId::accept);
  std::string_view chosen;
  unsigned most = 0;
  for (const auto type : offered) {
    const Wanted wanted = find_wanted(accepted, type);
    const bool is_special = type == by_name;
    if (is_special && wanted.closeness != 3) continue;
    if (wanted.q == 0 || wanted.q < most || (wanted.q == most && !is_special)) continue;
    chosen = type;
    most = wanted.q;
  }
  return chosen;
}

}  // namespace beckon::event
