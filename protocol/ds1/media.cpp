#include "protocol/ds1/media.hpp"

namespace beckon::ds1 {

const char* to_string(MediaKind kind) { return kind == MediaKind::video ? "video" : "audio"; }

const char* to_string(Direction direction) {
  switch (direction) {
    case Direction::sendrecv:
      return "sendrecv";
    case Direction::sendonly:
      return "sendonly";
    case Direction::recvonly:
      return "recvonly";
  }
  return "unknown";
}

const char* to_string(Candidate::Type type) { return type == Candidate::Type::srflx ? "srflx" : "host"; }

Direction flip(Direction direction) {
  switch (direction) {
    case Direction::sendonly:
      return Direction::recvonly;
    case Direction::recvonly:
      return Direction::sendonly;
    case Direction::sendrecv:
      break;
  }
  return Direction::sendrecv;
}

std::optional<Direction> intersect(Direction a, Direction b) {
  const bool send = sends(a) && sends(b);
  const bool receive = receives(a) && receives(b);
  if (send && receive) return Direction::sendrecv;
  if (send) return Direction::sendonly;
  if (receive) return Direction::recvonly;
  return std::nullopt;
}

}  // namespace beckon::ds1
