#pragma once

#include <cstdint>
#include <string>

#include "tests/simulation/story.hpp"

/// Presence at length: people with several devices who register, publish, watch each other, change their
/// rules and leave, while datagrams are lost, connections break, devices die and the server crashes between
/// any two of its acts.
namespace beckon::simulation {

/// How one history of presence is played.
struct PresenceScript {
  std::uint64_t seed = 1;
  double loss = 0;  ///< Of datagrams, 0 to 0.3.
  double duplication = 0;
  double reordering = 0;
  unsigned shards = 1;
  unsigned people = 3;
  unsigned devices = 5;
  unsigned acts = 40;             ///< What people do.
  unsigned crashes = 0;           ///< Of the server, each at a point of its work (`Server::crash_at`).
  unsigned failures = 0;          ///< Of devices; some come back.
  unsigned cuts = 0;              ///< All connections break.
  unsigned gone = 0;              ///< People whom the administrator removes or disables.
  std::uint64_t crash_point = 0;  ///< The server crashes at exactly this one of its points, too; 0: nowhere.
  bool trace = false;             ///< Print what is sent and what people do.
};
PresenceScript make_presence(std::uint64_t seed);
std::string print(const PresenceScript& script);

/// What a history of presence leaves besides.
struct PresenceHistory : History {
  std::uint64_t points = 0;  ///< Of the server, where it might have crashed.
  std::uint64_t checks = 0;  ///< How often something was compared.
  std::uint64_t diffs = 0;   ///< Presence documents that told only what changed.
  double busiest = 0;        ///< NOTIFYs of a subscription by the causes they had, the greatest.
};

/// Event packages presence, dialog, reg, message-summary and their watcher information; some watchers name
/// the state they have (RFC 5839) or their rates (RFC 6446). What must hold:
/// - always: `Order` and `Ledger`;
/// - when nothing has happened for a while: each device has the subscriptions it wants, in the state that the
///   rules say; each holds what a poll of the same watcher gets, and watcher information what the server's
///   table says; what was acknowledged is there, and nothing else is;
/// - of who was removed or disabled nothing is there, and of who was removed no rules;
/// - when all have left and every lifetime is over: the server holds what it held at its start.
PresenceHistory play(const PresenceScript& script);

}  // namespace beckon::simulation
