#include "server/lists/whole.hpp"

#include <doctest/doctest.h>

#include "protocol/base/text.hpp"

using namespace beckon;
using namespace beckon::server::lists;
using documents::ContactState;
using documents::DialogInfo;
using documents::DialogState;
using documents::RegistrationInfo;

namespace {

std::string dialogs(std::uint32_t version, DialogInfo::State state, std::vector<documents::Dialog> all) {
  return print(
      DialogInfo{.version = version, .state = state, .entity = "sip:ed@x", .dialogs = std::move(all)});
}

documents::Dialog dialog(const std::string& id, DialogState state, const std::string& peer = {}) {
  documents::Dialog made{.id = id, .state = state};
  if (!peer.empty())
    made.remote = documents::DialogParticipant{.identity = documents::DialogIdentity{.uri = peer}};
  return made;
}

std::string contacts(std::uint32_t version, RegistrationInfo::State state,
                     const std::vector<std::pair<std::string, ContactState>>& all,
                     const std::string& registration = "r") {
  documents::Registration made{.aor = "sip:ed@x", .id = registration};
  made.state = documents::RegistrationState::active;
  for (const auto& [id, contact_state] : all)
    made.contacts.push_back({.id = id, .uri = "sip:" + id + "@x", .state = contact_state});
  return print(RegistrationInfo{.version = version, .state = state, .registrations = {made}});
}

constexpr auto full = DialogInfo::State::full, partial = DialogInfo::State::partial;

}  // namespace

TEST_CASE(
    "dialogs: changes are put into what is known; what is not repeated stays; ended ones go (RFC 4235 4)") {
  Whole whole;
  const auto take = [&whole](const std::string& body) {
    return whole.take(documents::dialoginfo_type, body);
  };
  CHECK(take(dialogs(3, partial, {})).is_gap);  // nothing is known yet
  const auto first = take(dialogs(3, full, {dialog("a", DialogState::early, "sip:peer@x")}));
  CHECK_FALSE(first.is_gap);
  REQUIRE(first.text.has_value());
  const auto known = [&](const std::string& body) {
    const auto taken = take(body);
    CHECK_FALSE(taken.is_gap);
    REQUIRE(taken.text.has_value());
    const auto info = documents::parse_dialoginfo(*taken.text);
    REQUIRE(info.has_value());
    CHECK(info->state == full);
    return *info;
  };
  const auto changed =
      known(dialogs(4, partial, {dialog("a", DialogState::confirmed), dialog("b", DialogState::trying)}));
  REQUIRE(changed.dialogs.size() == 2);
  CHECK(changed.dialogs[0].state == DialogState::confirmed);
  CHECK(changed.dialogs[0].remote->identity->uri == "sip:peer@x");
  CHECK_FALSE(take(dialogs(4, partial, {dialog("c", DialogState::trying)})).text);  // it came late
  CHECK(known(dialogs(5, partial, {dialog("a", DialogState::terminated)})).dialogs.size() == 2);
  CHECK(known(dialogs(6, partial, {})).dialogs.size() == 1);
  const auto gap = take(dialogs(8, partial, {dialog("c", DialogState::trying)}));
  CHECK(gap.is_gap);
  CHECK_FALSE(gap.text);
  // A full document may begin to count anew.
  CHECK(known(dialogs(0, full, {dialog("d", DialogState::trying)})).dialogs.size() == 1);
  const auto broken = take("<dialog-info");
  CHECK_FALSE(broken.text);
  CHECK_FALSE(broken.is_gap);
  whole.forget();
  CHECK(take(dialogs(1, partial, {})).is_gap);
}

TEST_CASE("registrations: likewise (RFC 3680 5)") {
  using State = RegistrationInfo::State;
  Whole whole;
  const auto take = [&whole](const std::string& body) { return whole.take(documents::reginfo_type, body); };
  const auto known = [&](const std::string& body) {
    const auto taken = take(body);
    REQUIRE(taken.text.has_value());
    const auto info = documents::parse_reginfo(*taken.text);
    REQUIRE(info.has_value());
    CHECK(info->state == State::full);
    return *info;
  };
  CHECK(take(contacts(0, State::partial, {})).is_gap);
  CHECK(known(contacts(0, State::full, {{"a", ContactState::active}})).registrations.size() == 1);
  CHECK(known(contacts(1, State::partial, {{"b", ContactState::active}})).registrations[0].contacts.size() ==
        2);
  const auto ended = known(contacts(2, State::partial, {{"a", ContactState::terminated}}));
  REQUIRE(ended.registrations[0].contacts.size() == 2);
  CHECK(ended.registrations[0].contacts[0].state == ContactState::terminated);
  CHECK(known(contacts(3, State::partial, {})).registrations[0].contacts.size() == 1);
  CHECK(known(contacts(4, State::partial, {{"c", ContactState::active}}, "other")).registrations.size() == 2);
  CHECK_FALSE(take(contacts(4, State::partial, {})).text);
  CHECK(take(contacts(7, State::partial, {})).is_gap);
}

TEST_CASE("changes that go on for ever take bounded memory: full state is asked for") {
  Whole whole;
  const auto take = [&whole](const std::string& body) {
    return whole.take(documents::dialoginfo_type, body);
  };
  CHECK(take(dialogs(0, full, {})).text.has_value());
  std::uint32_t version = 0;
  bool is_gap = false;
  while (!is_gap && version < 5000) {
    ++version;
    const auto taken = take(dialogs(version, partial, {dialog(std::to_string(version), DialogState::early)}));
    is_gap = taken.is_gap;
    if (taken.text) CHECK(taken.text->size() <= Whole::octets_max);
  }
  CHECK(is_gap);
  CHECK(take(dialogs(version + 1, partial, {})).is_gap);
  CHECK(take(dialogs(version + 2, full, {})).text.has_value());
}
