#include "client/presence/dialogs.hpp"

#include <doctest/doctest.h>

#include <boost/json/object.hpp>

using namespace beckon;
using client::presence::Dialogs;
using documents::Dialog;
using documents::DialogInfo;
using documents::DialogState;
using Taken = Dialogs::Taken;

namespace {

DialogInfo partial(std::uint32_t version, std::vector<Dialog> dialogs) {
  return {.version = version, .state = DialogInfo::State::partial, .dialogs = std::move(dialogs)};
}

/// "a early, b confirmed"
std::string line_of(const Dialogs& dialogs) {
  std::string line;
  for (const auto& each : dialogs.json()) {
    const auto& dialog = each.as_object();
    line += (line.empty() ? "" : ", ") + std::string(dialog.at("id").as_string()) + ' ' +
            std::string(dialog.at("state").as_string());
  }
  return line;
}

}  // namespace

TEST_CASE(
    "partial documents change the table, a full one replaces it; what ended is shown once (RFC 4235 4.3)") {
  Dialogs dialogs;
  CHECK(dialogs.take({.version = 3, .dialogs = {{.id = "a"}, {.id = "b"}}}, 1) == Taken::yes);
  CHECK(line_of(dialogs) == "a trying, b trying");
  CHECK(dialogs.take(partial(4, {{.id = "a", .state = DialogState::terminated}, {.id = "c"}}), 1) ==
        Taken::yes);
  CHECK(line_of(dialogs) == "a terminated, b trying, c trying");
  CHECK(dialogs.take(partial(5, {{.id = "b", .state = DialogState::early}}), 1) == Taken::yes);
  CHECK(line_of(dialogs) == "b early, c trying");
  CHECK(dialogs.take({.version = 6, .dialogs = {{.id = "c"}}}, 1) == Taken::yes);
  CHECK(line_of(dialogs) == "c trying");
}

TEST_CASE("an older document is dropped, and a gap is taken but asks for full state (RFC 4235 4.3)") {
  Dialogs dialogs;
  SUBCASE("versions were missed") {
    dialogs.take({.version = 3, .dialogs = {{.id = "a"}}}, 1);
    CHECK(dialogs.take(partial(3, {{.id = "b"}}), 1) == Taken::stale);
    CHECK(line_of(dialogs) == "a trying");
    CHECK(dialogs.take(partial(5, {{.id = "b"}}), 1) == Taken::gap);
    CHECK(line_of(dialogs) == "a trying, b trying");
    CHECK(dialogs.take({.version = 0}, 1) == Taken::yes);  // the server begins anew
    CHECK(line_of(dialogs).empty());
  }
  SUBCASE("the first document is partial") {
    CHECK(dialogs.take(partial(1, {{.id = "a"}}), 1) == Taken::gap);
    CHECK(line_of(dialogs) == "a trying");
  }
}

TEST_CASE("what a document does not repeat of a participant stays (RFC 4235 4.1.6.1)") {
  Dialogs dialogs;
  Dialog dialog{.id = "a"};
  dialog.direction = documents::DialogDirection::recipient;
  dialog.remote.emplace().identity = {"sip:carol@example.org", "Carol"};
  dialogs.take({.version = 0, .dialogs = {dialog}}, 1);
  dialogs.take(partial(1, {{.id = "a", .state = DialogState::early}}), 1);
  const auto json = dialogs.json();
  CHECK(json.at(0).at("state") == "early");
  CHECK(json.at(0).at("remote") == "sip:carol@example.org");
  CHECK(json.at(0).at("remote_name") == "Carol");
}

TEST_CASE(
    "partial documents cannot make the table grow for ever: past 16 MB it begins anew, and full state is "
    "asked for") {
  Dialogs dialogs;
  dialogs.take({.version = 1, .dialogs = {{.id = "a"}}}, 1);
  CHECK(dialogs.take(partial(2, {{.id = "b"}}), Dialogs::partial_max) == Taken::yes);
  CHECK(dialogs.take(partial(3, {{.id = "c"}}), 2) == Taken::gap);
  CHECK(line_of(dialogs) == "c trying");
  CHECK(dialogs.take(partial(4, {{.id = "d"}}), Dialogs::partial_max - 2) == Taken::yes);
  CHECK(dialogs.take(partial(5, {{.id = "e"}}), 1) == Taken::gap);
}
