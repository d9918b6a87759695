#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "protocol/base/time.hpp"

namespace beckon::client::control {

/// Receives the events of the contract (contract.schema.json), in order.
using OnEvent = std::function<void(boost::json::object event)>;

/// An event with its name and time; the caller adds the rest.
boost::json::object make_event(std::string_view name, Now now);

/// One line of JSON with the line end.
std::string print(const boost::json::object& event);

/// The event for people: a few short lines without time; empty if people need not see it. The row of an event
/// "trace" is drawn by trace::Ladder.
std::string print_for_people(const boost::json::object& event);

}  // namespace beckon::client::control
