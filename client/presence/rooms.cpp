#include "client/presence/rooms.hpp"

#include <algorithm>
#include <boost/json/array.hpp>

namespace beckon::client::presence {

WatchedRoom::Taken WatchedRoom::take(const documents::ConferenceInfo& info) {
  const bool is_full = info.part == documents::ConferencePart::full;
  if (known_.entity.empty() && !is_full) return Taken::gap;
  if (!known_.entity.empty() && info.version.value_or(0) <= known_.version.value_or(0)) return Taken::stale;
  if (!documents::merge(known_, info)) return Taken::gap;
  if (known_.users && known_.users->users.size() > members_max) {
    known_ = {};
    return Taken::gap;
  }
  return Taken::yes;
}

boost::json::object WatchedRoom::view() const {
  using documents::EndpointStatus;
  boost::json::object view{{"room", known_.entity}, {"topic", ""}};
  if (known_.description) view["topic"] = known_.description->subject;
  if (known_.state && known_.state->locked) view["open"] = !*known_.state->locked;
  boost::json::array members;
  if (known_.users) {
    for (const auto& user : known_.users->users) {
      const bool is_here = std::ranges::any_of(
          user.endpoints, [](const auto& endpoint) { return endpoint.status == EndpointStatus::connected; });
      members.push_back({{"user", user.entity},
                         {"role", user.roles.empty() ? "member" : user.roles.front()},
                         {"here", is_here}});
    }
  }
  view["members"] = std::move(members);
  return view;
}

}  // namespace beckon::client::presence
