#pragma once

#include "protocol/documents/pidf.hpp"
#include "server/presence/names.hpp"

namespace beckon::server::presence {

/// Makes right what devices publish and strict watchers would refuse the whole document for, by the schemas
/// of RFC 3863, 4479 and 4480: times that are none go, and so do languages; ids of RPID elements that are
/// taken, or are none, are made anew. The ids of tuples, persons and devices have been claimed of `names`
/// before. What a schema forbids and harms nobody stays: unknown elements, and those in a wrong place.
void repair(documents::Presence& presence, Names& names);

}  // namespace beckon::server::presence
