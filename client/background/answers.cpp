#include "client/background/answers.hpp"

#include <algorithm>
#include <array>

namespace beckon::client::background {
namespace {

struct Row {
  std::string_view event, command;
};
constexpr std::array rows{Row{"inbox", "inbox"},
                          Row{"history", "history"},
                          Row{"history", "room"},
                          Row{"rules", "rules show"},
                          Row{"view", "view-as"},
                          Row{"watch-log", "watchers"},
                          Row{"contacts", "contacts list"},
                          Row{"contacts", "contacts add"},
                          Row{"contacts", "contacts remove"},
                          Row{"contacts", "contacts group"},
                          Row{"rooms", "rooms"},
                          Row{"call-statistics", "statistics"},
                          Row{"snapshot", "snapshot"}};
/// These come by themselves, too.
constexpr std::array also_news{std::string_view("call-statistics")};

}  // namespace

bool is_answer(std::string_view event, std::string_view command) {
  return std::ranges::any_of(rows,
                             [&](const Row& row) { return row.event == event && row.command == command; });
}

bool is_answer(std::string_view event) {
  return std::ranges::find(also_news, event) == also_news.end() &&
         std::ranges::any_of(rows, [&](const Row& row) { return row.event == event; });
}

}  // namespace beckon::client::background
