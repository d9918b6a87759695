#pragma once

#include <boost/json/object.hpp>
#include <string>

namespace beckon::server::admin {

/// The facts of `server/explain` in sentences.
std::string print_explanation(const boost::json::object& facts);
/// Does the server know anything about the presentity?
bool knows_presentity(const boost::json::object& facts);

}  // namespace beckon::server::admin
