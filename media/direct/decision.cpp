#include "media/direct/decision.hpp"

#include <algorithm>

namespace beckon::direct {
namespace {

struct Match {
  const Published::Media* media = nullptr;
  MediaLine line;
};

/// The published media that a line of the HELLO refers to; null: not supported.
std::optional<Match> match(const HelloBody::Line& line, const Published& published) {
  for (const auto& media : published.media) {
    if (media.kind != line.kind) continue;
    const auto codec = std::find_if(media.codecs.begin(), media.codecs.end(),
                                    [&](const auto& one) { return one.payload_type == line.payload_type; });
    const auto dir = intersect(flip(line.dir), media.dir);
    if (codec == media.codecs.end() || !dir) continue;
    return Match{&media, {line.kind, *dir, line.payload_type, codec->clock_rate}};
  }
  return std::nullopt;
}

ds1::Mode effective_mode(const Published::Media& media, const Request& request, const Published& published,
                         const Policy& policy) {
  const bool may_answer =
      policy.reachable && request.verified && (media.kind != MediaKind::video || policy.automatic_video);
  const auto local = may_answer ? ds1::Mode::automatic : ds1::Mode::ask;
  return std::min({request.ticket, request.permit, published.mode, media.mode, request.want, local});
}

}  // namespace

Decision decide(const Request& request, const Published& published, const Policy& policy) {
  Decision out;
  out.refusal = Reason::media_not_supported;
  auto mode = ds1::Mode::automatic;
  for (const auto& line : request.media) {
    const auto found = match(line, published);
    if (!found) continue;
    const auto effective = effective_mode(*found->media, request, published, policy);
    out.refusal = Reason::mode_not_allowed;
    if (effective == ds1::Mode::off) continue;
    mode = std::min(mode, effective);
    out.media.push_back(found->line);
    out.ssrcs.push_back(line.ssrc);
  }
  if (out.media.empty()) return out;
  out.refusal = Reason::busy;
  if (policy.do_not_disturb || (request.in_call && mode == ds1::Mode::automatic)) return out;
  out.refusal = Reason::none;
  out.mode = mode;
  return out;
}

}  // namespace beckon::direct
