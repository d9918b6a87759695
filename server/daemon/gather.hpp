#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "protocol/net/loop.hpp"
#include "server/shard/node.hpp"

namespace beckon::server {

/// Calls `read` for every shard on its thread, then `done` once on `home` with what all of them returned, in
/// no order.
template <class T>
void gather(Node& node, net::Loop& home, std::function<T(Shard&)> read,
            std::function<void(std::vector<T>)> done) {
  auto parts = std::make_shared<std::vector<T>>();
  node.each([&home, all = node.size(), parts, read = std::move(read), done = std::move(done)](Shard& shard) {
    home.post([parts, done, part = read(shard), all] {
      parts->push_back(part);
      if (parts->size() == all) done(std::move(*parts));
    });
  });
}

}  // namespace beckon::server
