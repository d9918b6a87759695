#include "server/groups/standing.hpp"

#include <vector>

#include "protocol/documents/pidf.hpp"
#include "server/presence/document.hpp"

namespace beckon::server::groups {

namespace {

/// Members that the note names; it tells the number of the others.
constexpr std::size_t named_max = 20;

}  // namespace

std::string print_standing(const std::string& room, const Group& group) {
  std::string names;
  std::size_t here = 0;
  for (const auto& [aor, member] : group.members) {
    if (!member.shows_here()) continue;
    ++here;
    if (here > named_max) continue;
    names += here == 1 ? ": " : ", ";
    names += std::string_view(aor).substr(aor.find(':') + 1);
  }
  if (here > named_max) names += ", and " + std::to_string(here - named_max) + " more";
  documents::Presence presence;
  presence.entity = room;
  documents::Tuple tuple;
  tuple.id = "room";
  tuple.basic = here > 0 ? documents::Basic::open : documents::Basic::closed;
  tuple.contact = documents::Contact{room, std::nullopt};
  tuple.notes = {{std::to_string(here) + " of " + std::to_string(group.size()) + " here" + names, "en"}};
  presence.tuples.push_back(std::move(tuple));
  return documents::print(presence);
}

Standings::Standings(Groups& groups, presence::Presentities& presentities)
    : groups_(groups), presentities_(presentities) {
  presentities_.set_hard_state(*this);
  presentities_.watches().set_admission(*this);
  groups_.observe([this](Entry& room, const Groups::News&, Now now) {
    documents_.erase(room.aor());
    presentities_.watches().admission_changed(room, now);
    presentities_.hard_state_changed(room, now);
  });
}

Standings::~Standings() = default;

const presence::Document* Standings::hard_state(const Entry& presentity) const {
  const Group* group = groups_.find(presentity);
  if (!group) return presentities_.written_hard_state().hard_state(presentity);
  auto& document = documents_[presentity.aor()];
  if (!document) document = std::make_unique<presence::Document>(print_standing(presentity.aor(), *group));
  return document.get();
}

/// Rules are of users: a room has none.
std::optional<bool> Standings::admits(const Entry& presentity, std::string_view watcher) const {
  if (!groups_.find(presentity)) return std::nullopt;
  return groups_.is_member(presentity, watcher);
}

}  // namespace beckon::server::groups
