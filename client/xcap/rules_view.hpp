#pragma once

#include <boost/json/array.hpp>

#include "protocol/documents/pres_rules.hpp"

namespace beckon::client::xcap {

/// Presence rules as the contract has them: the array `rules` of event "rules".
boost::json::array make_rules_view(const documents::Rules& rules);

}  // namespace beckon::client::xcap
