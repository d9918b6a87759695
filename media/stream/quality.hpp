#pragma once

#include <string_view>

#include "protocol/base/time.hpp"

namespace beckon::stream {

/// What a call suffers from, as the listener at this end hears it.
struct Impairments {
  Duration delay{};          ///< Mouth to ear.
  double concealed = 0;      ///< Share of the frames that was not what was sent, 0 to 1.
  std::string_view codec{};  ///< As in rtpmap.
};

/// The opinion that listeners would have of such a call, from 1 (bad) to 4.41: the E-model (ITU-T G.107) with
/// its defaults for telephones, where nothing but these impair.
double mean_opinion_score(const Impairments& impairments);

}  // namespace beckon::stream
