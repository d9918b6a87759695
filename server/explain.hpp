#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <string>

#include "server/shard/shard.hpp"

namespace beckon::server {

/// Why a watcher sees what it sees of a presentity, as facts: devices and publications, what composition made
/// of them, which rule decides, what is left out, the subscriptions with their last NOTIFYs, what holds the
/// next one back, and which messages of the watcher's wait for the presentity. `beckond explain` makes
/// sentences of them. No secret of a direct session is among them.
///
/// On the thread of the shard that owns the presentity's bucket. Both AORs are canonical. `done` is called
/// there, later.
void explain(Shard& shard, const std::string& presentity, const std::string& watcher,
             std::function<void(boost::json::object)> done);

}  // namespace beckon::server
