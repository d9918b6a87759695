#include "protocol/sdp/attribute.hpp"

#include <array>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/sdp/text.hpp"

namespace beckon::sdp {
namespace {

/// The first word and what follows its blanks.
std::pair<std::string_view, std::string_view> cut_word(std::string_view text) {
  text = trim(text);
  const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
  return {text.substr(0, end), trim(text.substr(end))};
}

/// RFC 8839 5.1: ice-char.
bool is_ice(std::string_view text, std::size_t least, std::size_t most) {
  return text.size() >= least && text.size() <= most &&
         std::ranges::all_of(text, [](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '/'; });
}

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

}  // namespace

// ---- formats

std::uint32_t Rtpmap::channels() const {
  const auto number =
      parse_number<std::uint32_t>(std::string_view(parameters).substr(0, parameters.find('/')));
  return number && *number != 0 ? *number : 1;
}

Result<Rtpmap> parse_rtpmap(std::string_view value) {
  const auto [type, format] = cut_word(value);
  const auto [encoding, rest] = cut(format, '/');
  const auto [rate, parameters] = cut(rest, '/');
  const auto number = parse_number<std::uint8_t>(type);
  const auto clock = parse_number<std::uint32_t>(rate);
  if (!number || *number > 127 || !is_token(encoding) || !clock || *clock == 0) return Errc::bad_value;
  return Rtpmap{*number, std::string(encoding), *clock, std::string(parameters)};
}

std::string print(const Rtpmap& rtpmap) {
  std::string out =
      std::to_string(rtpmap.payload_type) + " " + rtpmap.encoding + "/" + std::to_string(rtpmap.clock_rate);
  return rtpmap.parameters.empty() ? out : out + "/" + rtpmap.parameters;
}

std::optional<std::string_view> Fmtp::parameter(std::string_view name) const {
  std::string_view rest = parameters;
  while (!rest.empty()) {
    const auto [piece, behind] = cut(rest, ';');
    const auto [key, value] = cut(piece, '=');
    if (iequals(trim(key), name)) return trim(value);
    rest = behind;
  }
  return std::nullopt;
}

Result<Fmtp> parse_fmtp(std::string_view value) {
  const auto [format, parameters] = cut_word(value);
  if (!is_token(format) || parameters.empty()) return Errc::bad_value;
  return Fmtp{std::string(format), std::string(parameters)};
}

std::string print(const Fmtp& fmtp) { return fmtp.format + " " + fmtp.parameters; }

Result<Duration> parse_packet_time(std::string_view value) {
  auto [whole, fraction] = cut(trim(value), '.');
  if (fraction.size() > 3 || (!fraction.empty() && !is_number(fraction))) return Errc::bad_value;
  const auto milliseconds = parse_number<std::uint32_t>(whole);
  if (!milliseconds || *milliseconds > 60000) return Errc::bad_value;
  std::string micro(fraction);
  micro.resize(3, '0');
  const Duration time =
      std::chrono::milliseconds(*milliseconds) + Duration(*parse_number<std::uint32_t>(micro));
  if (time == Duration::zero()) return Errc::bad_value;
  return time;
}

// ---- direction

std::string_view to_string(Direction direction) {
  static constexpr std::array<std::string_view, 4> words{"sendrecv", "sendonly", "recvonly", "inactive"};
  return words[static_cast<std::size_t>(direction)];
}

Direction direction_of(const Session& session, const Media& media) {
  for (const Attributes* level : {&media.attributes, &session.attributes}) {
    for (const Attribute& each : *level) {
      for (const Direction direction :
           {Direction::sendrecv, Direction::sendonly, Direction::recvonly, Direction::inactive}) {
        if (each.name == to_string(direction)) return direction;
      }
    }
  }
  return Direction::sendrecv;
}

// ---- keys

namespace {

/// "inline:" key||salt ["|" lifetime] ["|" MKI ":" length] (RFC 4568 9.2).
std::optional<Crypto::Key> parse_key(std::string_view text) {
  static constexpr std::string_view method = "inline:";
  if (!iequals(text.substr(0, method.size()), method) || text.ends_with('|')) return std::nullopt;
  auto [key, rest] = cut(text.substr(method.size()), '|');
  auto octets = from_base64(key);
  if (!octets || octets->empty()) return std::nullopt;
  Crypto::Key out{std::move(*octets), {}, {}, {}};
  if (rest.empty()) return out;
  auto [first, second] = cut(rest, '|');
  if (first.find(':') == std::string_view::npos) {
    if (first.empty()) return std::nullopt;
    out.lifetime = first;
    first = second;
    second = {};
  }
  if (!second.empty()) return std::nullopt;
  if (first.empty()) return out;
  const auto [mki, length] = cut(first, ':');
  out.mki = parse_number<std::uint64_t>(mki);
  out.mki_octets = parse_number<std::uint8_t>(length);
  const bool fits = out.mki && out.mki_octets && *out.mki_octets >= 1 && *out.mki_octets <= 128;
  return fits ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace

Result<Crypto> parse_crypto(std::string_view value) {
  const auto words = words_of(value);
  if (words.size() < 3 || words[0].size() > 9) return Errc::bad_value;
  const auto tag = parse_number<std::uint32_t>(words[0]);
  if (!tag || !is_token(words[1])) return Errc::bad_value;
  Crypto crypto{*tag, std::string(words[1]), {}, {words.begin() + 3, words.end()}};
  for (const auto text : split(words[2], ';')) {
    auto key = parse_key(text);
    if (!key) return Errc::bad_value;
    crypto.keys.push_back(std::move(*key));
  }
  return crypto;
}

std::string print(const Crypto& crypto) {
  std::string out = std::to_string(crypto.tag) + " " + crypto.suite + " ";
  for (const Crypto::Key& key : crypto.keys) {
    if (&key != &crypto.keys.front()) out += ';';
    out += "inline:" + to_base64(key.key_and_salt);
    if (!key.lifetime.empty()) out += "|" + key.lifetime;
    if (key.mki) out += "|" + std::to_string(*key.mki) + ":" + std::to_string(key.mki_octets.value_or(1));
  }
  if (!crypto.parameters.empty()) out += " " + join(crypto.parameters);
  return out;
}

Result<Fingerprint> parse_fingerprint(std::string_view value) {
  static constexpr std::array<std::pair<std::string_view, std::size_t>, 5> lengths{
      {{"sha-1", 20}, {"sha-224", 28}, {"sha-256", 32}, {"sha-384", 48}, {"sha-512", 64}}};
  const auto words = words_of(value);
  if (words.size() != 2 || !is_token(words[0]) || words[1].ends_with(':')) return Errc::bad_value;
  Fingerprint out{to_lower(words[0]), {}};
  for (const auto pair : split(words[1], ':')) {
    const auto octet = pair.size() == 2 ? parse_number<std::uint8_t>(pair, 16) : std::nullopt;
    if (!octet) return Errc::bad_value;
    out.digest.push_back(*octet);
  }
  for (const auto& [hash, length] : lengths) {
    if (out.hash == hash && out.digest.size() != length) return Errc::bad_value;
  }
  return out;
}

std::string print(const Fingerprint& fingerprint) {
  std::string out = fingerprint.hash + " ";
  for (std::size_t i = 0; i < fingerprint.digest.size(); ++i) {
    if (i != 0) out += ':';
    out += to_upper(to_hex(ByteView(fingerprint.digest).subspan(i, 1)));
  }
  return out;
}

Result<Setup> parse_setup(std::string_view value) {
  for (const Setup setup : {Setup::active, Setup::passive, Setup::actpass, Setup::holdconn}) {
    if (iequals(trim(value), to_string(setup))) return setup;
  }
  return Errc::bad_value;
}

std::string_view to_string(Setup setup) {
  static constexpr std::array<std::string_view, 4> words{"active", "passive", "actpass", "holdconn"};
  return words[static_cast<std::size_t>(setup)];
}

// ---- ICE

Result<Candidate> parse_candidate(std::string_view value) {
  const auto words = words_of(value);
  if (words.size() < 8 || words[6] != "typ") return Errc::bad_value;
  const auto component = parse_number<std::uint16_t>(words[1]);
  const auto priority = parse_number<std::uint32_t>(words[3]);
  const auto port = parse_number<std::uint16_t>(words[5]);
  const bool fits = is_ice(words[0], 1, 32) && component && *component >= 1 && *component <= 256 &&
                    is_token(words[2]) && priority && port && is_token(words[7]);
  if (!fits) return Errc::bad_value;
  Candidate out{std::string(words[0]),
                *component,
                std::string(words[2]),
                *priority,
                std::string(words[4]),
                *port,
                std::string(words[7]),
                {},
                {},
                {}};
  std::size_t at = 8;
  if (at + 1 < words.size() && words[at] == "raddr") {
    out.related_address = words[at + 1];
    at += 2;
  }
  if (at + 1 < words.size() && words[at] == "rport") {
    out.related_port = parse_number<std::uint16_t>(words[at + 1]);
    if (!out.related_port) return Errc::bad_value;
    at += 2;
  }
  out.extensions = join({words.begin() + static_cast<std::ptrdiff_t>(at), words.end()});
  return out;
}

std::string print(const Candidate& candidate) {
  std::string out = candidate.foundation + " " + std::to_string(candidate.component) + " " +
                    candidate.transport + " " + std::to_string(candidate.priority) + " " + candidate.address +
                    " " + std::to_string(candidate.port) + " typ " + candidate.type;
  if (candidate.related_address) out += " raddr " + *candidate.related_address;
  if (candidate.related_port) out += " rport " + std::to_string(*candidate.related_port);
  return candidate.extensions.empty() ? out : out + " " + candidate.extensions;
}

bool is_ice_ufrag(std::string_view value) { return is_ice(value, 4, 256); }
bool is_ice_password(std::string_view value) { return is_ice(value, 22, 256); }

// ---- groups and ports

Result<Group> parse_group(std::string_view value) {
  const auto words = words_of(value);
  if (words.empty() || !std::ranges::all_of(words, is_token)) return Errc::bad_value;
  return Group{std::string(words[0]), {words.begin() + 1, words.end()}};
}

std::string print(const Group& group) {
  return group.mids.empty() ? group.semantics : group.semantics + " " + join(group.mids);
}

const Media* find_mid(const Session& session, std::string_view mid) {
  const auto found = std::ranges::find_if(session.media, [&](const Media& media) {
    const Attribute* own = find(media.attributes, "mid");
    return own != nullptr && own->value == mid;
  });
  return found == session.media.end() ? nullptr : &*found;
}

Result<Rtcp> parse_rtcp(std::string_view value) {
  const auto words = words_of(value);
  if (words.size() != 1 && words.size() != 4) return Errc::bad_value;
  const auto port = parse_number<std::uint16_t>(words[0]);
  if (!port) return Errc::bad_value;
  Rtcp rtcp{*port, {}};
  if (words.size() == 4) {
    rtcp.connection = Connection{std::string(words[1]), std::string(words[2]), std::string(words[3]), {}, {}};
  }
  return rtcp;
}

std::string print(const Rtcp& rtcp) {
  std::string out = std::to_string(rtcp.port);
  if (!rtcp.connection) return out;
  return out + " " + rtcp.connection->net_type + " " + rtcp.connection->address_type + " " +
         rtcp.connection->address;
}

Result<Ssrc> parse_ssrc(std::string_view value) {
  const auto [id, rest] = cut_word(value);
  const auto number = parse_number<std::uint32_t>(id);
  const std::size_t colon = rest.find(':');
  const auto name = rest.substr(0, colon);
  if (!number || !is_token(name)) return Errc::bad_value;
  Ssrc ssrc{*number, {std::string(name), {}}};
  if (colon != std::string_view::npos) ssrc.attribute.value = rest.substr(colon + 1);
  return ssrc;
}

std::string print(const Ssrc& ssrc) {
  const std::string out = std::to_string(ssrc.id) + " " + ssrc.attribute.name;
  return ssrc.attribute.value ? out + ":" + *ssrc.attribute.value : out;
}

}  // namespace beckon::sdp
