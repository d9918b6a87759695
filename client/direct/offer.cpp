#include "client/direct/offer.hpp"

#include <algorithm>
#include <tuple>

#include "protocol/base/text.hpp"

namespace beckon::client::direct {

namespace ds = beckon::direct;

namespace {

/// The first codec of the peer's list that this program has.
const documents::Codec* common_codec(const documents::Media& media) {
  for (const auto& offered : media.codecs) {
    for (const auto& own : codecs()) {
      if (iequals(offered.name, own.name) && offered.clock == own.clock) return &offered;
    }
  }
  return nullptr;
}

std::optional<Choice> choice_of(const std::string& aor, const documents::Direct& direct, bool verified) {
  const auto* audio = direct.find(documents::MediaKind::audio);
  const auto mode = direct.mode_of(documents::MediaKind::audio);
  if (audio == nullptr || !direct.grant || mode == ds1::Mode::off ||
      direct.profile != documents::Profile::sealed) {
    return std::nullopt;
  }
  const auto* codec = common_codec(*audio);
  if (codec == nullptr) return std::nullopt;
  Choice choice;
  choice.codec = {codec->pt, codec->name, codec->clock, static_cast<int>(audio->maxrate)};
  ds::Offer& offer = choice.offer;
  offer.aor = aor;
  offer.device_key = direct.key;
  offer.verified = verified;
  offer.epoch = direct.epoch;
  offer.grant = *direct.grant;
  offer.candidates = direct.candidates;
  offer.mode = mode;
  offer.want = verified ? ds1::Mode::automatic : ds1::Mode::ask;
  offer.media.push_back({.kind = ds::MediaKind::audio,
                         .dir = ds1::flip(audio->dir),
                         .payload_type = codec->pt,
                         .clock_rate = codec->clock});
  return choice;
}

/// The GRUU of the device that the tuple describes (RFC 5627); empty without one.
std::string device_of(const documents::Tuple& tuple) {
  const bool is_gruu = tuple.contact && tuple.contact->uri.find(";gr=") != std::string::npos;
  return is_gruu ? tuple.contact->uri : std::string();
}

}  // namespace

const std::vector<documents::Codec>& codecs() {
  static const std::vector<documents::Codec> known{
      {.pt = 111, .name = "opus", .clock = 48000, .channels = 2, .ptime = 20, .fmtp = "useinbandfec=1"},
      {.pt = 0, .name = "PCMU", .clock = 8000, .channels = 1, .ptime = 20, .fmtp = ""},
  };
  return known;
}

documents::Direct make_direct(const Keyring& keyring, const std::string& aor, ds1::Mode mode,
                              const ds1::Epoch& epoch, const crypto::Key32& secret,
                              const std::vector<ds::Candidate>& candidates) {
  documents::Direct direct;
  direct.mode = mode;
  direct.epoch = epoch;
  documents::Media audio;
  audio.maxrate = documents::default_audio_rate;
  audio.codecs = codecs();
  direct.media.push_back(std::move(audio));
  direct.candidates = candidates;
  direct.key = keyring.device.pub;
  direct.ident = make_ident(keyring, aor);
  direct.secret = secret;
  return direct;
}

ds::Published make_published(const documents::Direct& direct) {
  ds::Published published;
  published.mode = direct.mode;
  for (const auto& media : direct.media) {
    ds::Published::Media out;
    out.kind = media.kind;
    out.dir = media.dir;
    out.mode = direct.mode_of(media.kind);
    for (const auto& codec : media.codecs) out.codecs.push_back({codec.pt, codec.clock});
    published.media.push_back(std::move(out));
  }
  return published;
}

std::optional<Choice> choose(const std::string& aor, const documents::Presence& presence,
                             const std::function<bool(const crypto::Key32& device_key)>& is_verified) {
  std::optional<Choice> best;
  std::tuple<bool, bool, unsigned, std::optional<WallTime>> best_rank;
  for (const auto& tuple : presence.tuples) {
    const auto direct = documents::find_direct(tuple);
    if (tuple.basic != documents::Basic::open || !direct) continue;
    auto choice = choice_of(aor, *direct, is_verified(direct->key));
    if (!choice) continue;
    const unsigned priority = tuple.contact ? tuple.contact->priority.value_or(0) : 0U;
    std::tuple rank(choice->offer.verified, choice->offer.mode == ds1::Mode::automatic, priority,
                    parse_time(tuple.timestamp));
    if (best && rank <= best_rank) continue;
    best = std::move(choice);
    best->target = device_of(tuple);
    best_rank = rank;
  }
  return best;
}

}  // namespace beckon::client::direct
