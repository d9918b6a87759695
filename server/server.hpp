#pragma once

#include "server/shard/node.hpp"

namespace beckon::server {

/// Gives the shards their rooms and wires them together: the one place that knows them all. The program and
/// the simulation call it before the store is read.
void add_rooms(Node& node);

}  // namespace beckon::server
