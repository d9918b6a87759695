#pragma once

#include "protocol/documents/pidf.hpp"
#include "protocol/documents/pres_rules.hpp"

namespace beckon::server::presence {

/// Takes out the persons and devices that the transformations do not let through (RFC 5025 3.3.1).
void select_components(documents::Presence& presence, const documents::Transformations& what);

/// Takes out of `presence`, of which the components have been selected, what the transformations do not let
/// through (RFC 5025 3.3), in linear time. <direct> stays: it has a rule of its own (DIRECT_SESSIONS 3.5).
void filter(documents::Presence& presence, const documents::Transformations& what);

}  // namespace beckon::server::presence
