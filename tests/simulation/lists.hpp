#pragma once

#include <cstdint>
#include <string>

#include "tests/simulation/story.hpp"

/// Lists at length: people who keep lists of each other, watch them and each other, and change lists and
/// rules, while datagrams are lost, devices die and the server crashes between any two of its acts.
namespace beckon::simulation {

/// How one history of lists is played.
struct ListsScript {
  std::uint64_t seed = 1;
  double loss = 0;  ///< Of datagrams, 0 to 0.3.
  double duplication = 0;
  double reordering = 0;
  unsigned shards = 1;
  unsigned people = 3;
  unsigned devices = 5;
  unsigned acts = 40;     ///< What people do.
  unsigned crashes = 0;   ///< Of the server, each at a point of its work (`Server::crash_at`).
  unsigned failures = 0;  ///< Of devices; some come back.
  unsigned cuts = 0;      ///< All connections break.
  bool trace = false;     ///< Print what is sent and what people do.
};
ListsScript make_lists(std::uint64_t seed);
std::string print(const ListsScript& script);

/// What a history of lists leaves besides.
struct ListsHistory : History {
  std::uint64_t points = 0;   ///< Of the server, where it might have crashed.
  std::uint64_t checks = 0;   ///< How often something was compared.
  std::uint64_t members = 0;  ///< Of lists, whose picture was compared with what rules let their watcher see.
};

/// What must hold:
/// - always: `Order` and `Ledger`, so that versions rise, partial lists leave no gap, and nobody is shown
/// what
///   rules hide;
/// - when nothing has happened for a while: what the watcher of a list has pieced together of full and
/// partial
///   documents is what the list has, each member as that member's rules let this watcher see it, and what a
///   poll of the list gets;
/// - when all have left and every lifetime is over: the server holds what it held at its start.
ListsHistory play(const ListsScript& script);

}  // namespace beckon::simulation
