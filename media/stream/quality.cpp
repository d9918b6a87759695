#include "media/stream/quality.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"

namespace beckon::stream {
namespace {

constexpr double best_rating = 93.2;       // R of G.107 with all defaults
constexpr double packet_loss_g711 = 25.1;  // robustness of G.711 with concealment (G.113 table I.4)
constexpr double packet_loss_opus = 20;    // no value is published; a little below
constexpr double noticed_ms = 177.3;       // from here on people notice delay

/// Id of G.107, in its usual approximation by two straight lines.
double delay_impairment(double milliseconds) {
  return 0.024 * milliseconds + 0.11 * std::max(milliseconds - noticed_ms, 0.0);
}

/// Ie-eff of G.107 7.5 for random loss, with Ie 0.
double loss_impairment(double percent, double robustness) { return 95 * percent / (percent + robustness); }

}  // namespace

double mean_opinion_score(const Impairments& impairments) {
  const double milliseconds = std::chrono::duration<double, std::milli>(impairments.delay).count();
  const double robustness = iequals(impairments.codec, "opus") ? packet_loss_opus : packet_loss_g711;
  const double rating =
      std::clamp(best_rating - delay_impairment(std::max(milliseconds, 0.0)) -
                     loss_impairment(100 * std::clamp(impairments.concealed, 0.0, 1.0), robustness),
                 0.0, 100.0);
  return std::max(1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6, 1.0);
}

}  // namespace beckon::stream
