#pragma once

#include <cstdint>
#include <string>

#include "tests/simulation/call_log.hpp"
#include "tests/simulation/story.hpp"

/// Calls: people with several telephones behind one server call each other, while datagrams are lost, phones
/// die in every state, connections break and the server crashes between any two of its acts.
namespace beckon::simulation {

/// How one history of calls is played.
struct CallsScript {
  std::uint64_t seed = 1;
  double loss = 0;  ///< Of datagrams, 0 to 0.3.
  double duplication = 0;
  double reordering = 0;
  unsigned shards = 1;
  unsigned people = 3;
  unsigned calls = 20;
  unsigned crashes = 0;   ///< Of the server, each at a point of its work (`Server::crash_at`).
  unsigned failures = 0;  ///< Of phones; some come back.
  unsigned cuts = 0;      ///< All connections break.
  unsigned moods = 0;     ///< How often somebody wants to be left alone, or no longer.
  bool recurse = false;   ///< The server follows redirections.
  bool trace = false;     ///< Print what is sent and what people do.
};
CallsScript make_calls(std::uint64_t seed);
std::string print(const CallsScript& script);

/// What a history of calls leaves besides.
struct CallsHistory : History {
  CallLog::Sights sights;
  std::uint64_t points = 0;  ///< Of the server, where it might have crashed.
  std::uint64_t talks = 0;   ///< Ends of dialogs that came about.
  std::uint64_t checks = 0;  ///< Calls made when all was quiet, that had to succeed.
};

/// What must hold:
/// - always: `Order` and `CallLog`;
/// - when all have hung up and nothing has happened for a while: no phone has a call, watchers of dialogs
///   hold what a poll gets, and no dialog is shown that somebody ended;
/// - then everybody can be called who has a phone and is not left alone, and watchers see each state;
/// - when all have left and every lifetime is over: the server holds what it held at its start.
CallsHistory play(const CallsScript& script);

}  // namespace beckon::simulation
