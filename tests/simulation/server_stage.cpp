#include "tests/simulation/server_stage.hpp"

#include <utility>

namespace beckon::simulation {

void ServerStage::run() {
  start_server();
  world_.run_for(2min);
  const auto idle = server_.size();
  act();
  calm();
  check_all();
  leave();
  for (const auto& [what, number] : server_.size()) {
    const auto before = idle.find(what);
    const std::size_t had = before == idle.end() ? 0 : before->second;
    if (number != had) throw Wrong{fmt::format("the server holds {} {}, {} at its start", number, what, had)};
  }
}

void ServerStage::start_server() {
  if (server_.is_running()) return;
  note("the server starts");
  server_.start();
  server_started();
}

void ServerStage::crash_at(std::uint64_t point, std::function<Duration()> crashed) {
  server_.crash_at(point, [this, crashed = std::move(crashed)] {
    note("the server has crashed at point {}", server_.points());
    later(crashed(), [this] { start_server(); });
  });
}

void ServerStage::quieten() {
  note("nothing more happens");
  is_calm_ = true;
  network_.set_weather({});
  server_.crash_nowhere();
}

}  // namespace beckon::simulation
