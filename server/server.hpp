#pragma once

#include "server/shard/node.hpp"

namespace beckon::server {

/// Gives one shard its rooms and wires them together: the one place that knows them all. The program and the
/// simulation call it for each shard, before the store is read.
void add_rooms(Shard& shard, const ServerKey& key);

}  // namespace beckon::server
