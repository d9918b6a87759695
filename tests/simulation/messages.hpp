#pragma once

#include <cstdint>
#include <string>

#include "tests/simulation/story.hpp"

/// Messages at length: two people with two devices each write each other, while datagrams are lost, devices
/// come and go and the server is killed.
namespace beckon::simulation {

/// How one history of messages is played.
struct MessagesScript {
  std::uint64_t seed = 1;
  unsigned messages = 1000;  ///< Each way.
  double loss = 0.2;         ///< Of datagrams.
  double duplication = 0.05;
  double reordering = 0.05;
  unsigned shards = 1;
  unsigned kills = 0;    ///< Of the server, right behind a 202,
  unsigned crashes = 0;  ///< and at any other point of its work.
  bool trace = false;    ///< Print what is sent and what people do.
};
MessagesScript make_messages(std::uint64_t seed);
std::string print(const MessagesScript& script);

/// What a history of messages leaves besides.
struct MessagesHistory : History {
  std::uint64_t relayed = 0;  ///< Answered 200.
  std::uint64_t stored = 0;   ///< Answered 202.
  std::uint64_t again = 0;    ///< Sent anew, as there was no answer.
  std::uint64_t copies = 0;   ///< Requests that a device had had, and answered 482.
  std::uint64_t failed = 0;   ///< Expired, and the sender was told.
};

/// What must hold (`server/message`, "What is promised"):
/// - a message that was answered 200 is at a device, and one that was answered 202 at each device of its
///   recipient; or, where it may expire, its sender is told that it failed;
/// - no device gets a request twice, nor a message twice that was sent once;
/// - of two messages of a sender the first one reaches its recipient first; what a device gets from the store
///   comes before what it gets of a later one, relayed or stored;
/// - when all have left and every lifetime is over: the server holds what it held at its start.
MessagesHistory play(const MessagesScript& script);

}  // namespace beckon::simulation
