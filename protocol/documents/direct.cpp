#include "protocol/documents/direct.hpp"

#include <algorithm>
#include <cassert>
#include <set>

#include "protocol/base/text.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/xml/edit.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::documents {

const char* to_string(Profile profile) { return profile == Profile::sealed ? "sealed" : "plain"; }

const Media* Direct::find(MediaKind kind) const {
  const auto found =
      std::find_if(media.begin(), media.end(), [kind](const Media& m) { return m.kind == kind; });
  return found == media.end() ? nullptr : &*found;
}

ds1::Mode Direct::mode_of(MediaKind kind) const {
  const Media* found = find(kind);
  if (found == nullptr) return ds1::Mode::off;
  return std::min(mode, found->mode.value_or(mode));
}

namespace {

using xml::Element;

constexpr std::size_t ticket_min = 60;  // octets, DIRECT_SESSIONS 2
constexpr std::size_t ticket_max = 284;

bool is_ours(const Element& element, std::string_view name) { return element.is(ns::direct, name); }

template <class T>
std::optional<T> number(const Element& element, std::string_view name) {
  const auto text = element.attribute(name);
  return text ? parse_number<T>(trim(*text)) : std::nullopt;
}

/// Exactly `out.size()` octets of Base64.
template <class Octets>
bool read_octets(std::optional<std::string_view> text, Octets& out) {
  if (!text) return false;
  const auto bytes = from_base64(*text);
  if (!bytes || bytes->size() != out.size()) return false;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return true;
}

std::optional<ds1::Epoch> read_epoch(const Element& element) {
  const auto text = element.attribute("epoch");
  const auto bytes = text ? from_hex(trim(*text)) : std::nullopt;
  ds1::Epoch epoch{};
  if (!bytes || bytes->size() != epoch.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), epoch.begin());
  return epoch;
}

std::optional<Profile> read_profile(const Element& element) {
  const auto text = trim(element.attribute("profile").value_or(""));
  if (text == "sealed") return Profile::sealed;
  if (text == "plain") return Profile::plain;
  return std::nullopt;
}

std::optional<Direction> read_direction(const Element& element) {
  const auto text = trim(element.attribute("dir").value_or("sendrecv"));
  for (const auto direction : {Direction::sendrecv, Direction::sendonly, Direction::recvonly}) {
    if (text == to_string(direction)) return direction;
  }
  return std::nullopt;
}

/// RTP payload types next to RTCP's are never used (RFC 5761 4).
bool is_payload_type(unsigned pt) { return pt <= 127 && (pt < 64 || pt > 95); }

std::optional<Codec> read_codec(const Element& element) {
  const auto pt = number<std::uint8_t>(element, "pt");
  const auto name = trim(element.attribute("name").value_or(""));
  const auto clock = number<std::uint32_t>(element, "clock");
  if (!pt || !is_payload_type(*pt) || name.empty() || !clock || *clock == 0) return std::nullopt;
  Codec codec{*pt, std::string(name), *clock, 1, 0, {}};
  codec.channels = number<std::uint8_t>(element, "ch").value_or(std::uint8_t{1});
  codec.ptime = number<std::uint32_t>(element, "ptime").value_or(0);
  codec.fmtp = element.attribute("fmtp").value_or("");
  if (codec.channels == 0) return std::nullopt;
  return codec;
}

/// Unknown kinds and directions give no media. A payload type used before is left out: it would be
/// ambiguous on the wire.
std::optional<Media> read_media(const Element& element, std::set<std::uint8_t>& used) {
  const auto kind = trim(element.attribute("kind").value_or(""));
  const auto direction = read_direction(element);
  if ((kind != "audio" && kind != "video") || !direction) return std::nullopt;
  Media media;
  media.kind = kind == "audio" ? MediaKind::audio : MediaKind::video;
  media.dir = *direction;
  if (const auto mode = element.attribute("mode")) media.mode = ds1::parse_mode(trim(*mode));
  const auto default_rate = media.kind == MediaKind::audio ? default_audio_rate : default_video_rate;
  media.maxrate = number<std::uint32_t>(element, "maxrate").value_or(default_rate);
  media.port = number<std::uint16_t>(element, "port").value_or(std::uint16_t{0});
  for (const Element& child : element.children()) {
    if (!is_ours(child, "codec") || media.codecs.size() >= direct_codecs_max) continue;
    auto codec = read_codec(child);
    if (codec && used.insert(codec->pt).second) media.codecs.push_back(std::move(*codec));
  }
  return media;
}

std::optional<Candidate> read_candidate(const Element& element) {
  const auto type = trim(element.attribute("type").value_or(""));
  const auto priority = number<std::uint32_t>(element, "prio");
  const auto ip = parse_ip(trim(element.attribute("ip").value_or("")));
  const auto port = number<std::uint16_t>(element, "port");
  if ((type != "host" && type != "srflx") || !priority || !ip || !port) return std::nullopt;
  return Candidate{type == "host" ? Candidate::Type::host : Candidate::Type::srflx, *priority, {*ip, *port}};
}

/// An ident that cannot be read is as none: the device key is then not verified.
std::optional<Ident> read_ident(const Element& element) {
  Ident ident;
  if (!read_octets(element.attribute("key"), ident.key)) return std::nullopt;
  if (!read_octets(element.attribute("sig"), ident.signature)) return std::nullopt;
  const auto fingerprint = element.attribute("fp");
  if (fingerprint && !read_octets(fingerprint, ident.fingerprint)) return std::nullopt;
  return ident;
}

std::optional<ds1::Grant> read_grant(const Element& element) {
  const Element* ticket = element.child(ns::direct, "ticket");
  const Element* psk = element.child(ns::direct, "psk");
  ds1::Grant grant;
  if (ticket == nullptr || psk == nullptr || !read_octets(psk->text(), grant.psk)) return std::nullopt;
  auto bytes = from_base64(ticket->text());
  if (!bytes || bytes->size() < ticket_min || bytes->size() > ticket_max) return std::nullopt;
  grant.ticket = std::move(*bytes);
  return grant;
}

std::size_t count(const Element& element, std::string_view name) {
  std::size_t found = 0;
  for (const Element& child : element.children()) found += is_ours(child, name) ? 1 : 0;
  return found;
}

/// Larger priority first, equal ones as they stand.
void add(std::vector<Candidate>& candidates, const Candidate& candidate) {
  const auto at =
      std::upper_bound(candidates.begin(), candidates.end(), candidate,
                       [](const Candidate& a, const Candidate& b) { return a.priority > b.priority; });
  candidates.insert(at, candidate);
}

void read_child(const Element& child, Direct& direct, std::set<std::uint8_t>& used) {
  if (is_ours(child, "media")) {
    auto media = read_media(child, used);
    if (media && direct.find(media->kind) == nullptr) direct.media.push_back(std::move(*media));
  } else if (is_ours(child, "cand") && direct.candidates.size() < direct_candidates_max) {
    if (const auto candidate = read_candidate(child)) add(direct.candidates, *candidate);
  } else if (is_ours(child, "ident") && !direct.ident) {
    direct.ident = read_ident(child);
  } else if (is_ours(child, "secret")) {
    crypto::Key32 secret{};
    if (read_octets(child.text(), secret)) direct.secret = secret;
  } else if (is_ours(child, "grant")) {
    direct.grant = read_grant(child);
  }
}

bool read_key(const Element& element, crypto::Key32& key) {
  const Element* child = element.child(ns::direct, "key");
  return count(element, "key") == 1 && read_octets(child->text(), key);
}

std::uint32_t version_of(const Element& element) { return number<std::uint32_t>(element, "v").value_or(0); }

}  // namespace

Result<Direct> parse_direct(const Element& element) {
  if (!is_ours(element, "direct")) return Errc::wrong_root;
  const auto profile = read_profile(element);
  if (version_of(element) != 1 || !profile) return Errc::bad_value;
  Direct direct;
  direct.profile = *profile;
  direct.mode = ds1::parse_mode(trim(element.attribute("mode").value_or("")));
  const auto epoch = read_epoch(element);
  direct.epoch = epoch.value_or(ds1::Epoch{});
  const bool has_key = read_key(element, direct.key);
  if (*profile == Profile::sealed && (!epoch || !has_key)) return Errc::bad_value;
  std::set<std::uint8_t> used;
  for (const Element& child : element.children()) read_child(child, direct, used);
  return direct;
}

Result<Direct> parse_direct(const xml::Fragment& element) {
  const auto document = xml::parse(element);
  if (document.has_error()) return document.error();
  return parse_direct(document->root());
}

namespace {

void write(xml::Writer& writer, const Codec& codec) {
  writer.open("codec")
      .attribute("pt", codec.pt)
      .attribute("name", codec.name)
      .attribute("clock", codec.clock);
  if (codec.channels != 1) writer.attribute("ch", codec.channels);
  if (codec.ptime != 0) writer.attribute("ptime", codec.ptime);
  if (!codec.fmtp.empty()) writer.attribute("fmtp", codec.fmtp);
  writer.close();
}

void write(xml::Writer& writer, const Media& media) {
  writer.open("media").attribute("kind", to_string(media.kind));
  if (media.dir != Direction::sendrecv) writer.attribute("dir", to_string(media.dir));
  if (media.mode) writer.attribute("mode", ds1::to_string(*media.mode));
  if (media.maxrate != 0) writer.attribute("maxrate", media.maxrate);
  if (media.port != 0) writer.attribute("port", media.port);
  for (const Codec& codec : media.codecs) write(writer, codec);
  writer.close();
}

void write(xml::Writer& writer, const Candidate& candidate) {
  writer.open("cand").attribute("type", to_string(candidate.type)).attribute("prio", candidate.priority);
  writer.attribute("ip", beckon::print(candidate.address.ip))
      .attribute("port", candidate.address.port)
      .close();
}

void write(xml::Writer& writer, const Ident& ident) {
  writer.open("ident").attribute("key", to_base64(ident.key));
  if (ident.fingerprint != crypto::Key32{}) writer.attribute("fp", to_base64(ident.fingerprint));
  writer.attribute("sig", to_base64(ident.signature)).close();
}

}  // namespace

xml::Fragment print(const Direct& direct) {
  xml::Writer writer(xml::Writer::Start::fragment);
  writer.open("direct").declare("", ns::direct).attribute("v", direct.version);
  writer.attribute("mode", ds1::to_string(direct.mode)).attribute("profile", to_string(direct.profile));
  const bool sealed = direct.profile == Profile::sealed;
  if (sealed || direct.epoch != ds1::Epoch{}) writer.attribute("epoch", to_hex(direct.epoch));
  for (const Media& media : direct.media) write(writer, media);
  for (const Candidate& candidate : direct.candidates) write(writer, candidate);
  if (sealed || direct.key != crypto::Key32{}) writer.element("key", to_base64(direct.key));
  if (direct.ident) write(writer, *direct.ident);
  if (direct.secret) writer.element("secret", to_base64(*direct.secret));
  // An empty text ends the start tag, so that there always is an end tag for a grant to stand before.
  writer.text("");
  if (direct.grant) writer.raw(print(*direct.grant));
  return {std::string(ns::direct), "direct", writer.finish()};
}

std::string print(const ds1::Grant& grant) {
  xml::Writer writer(xml::Writer::Start::fragment);
  writer.open("grant").declare("", ns::direct);
  writer.element("ticket", to_base64(grant.ticket)).element("psk", to_base64(grant.psk));
  return writer.finish();
}

bool is_direct(const xml::Fragment& element) { return element.is(ns::direct, "direct"); }

std::optional<Direct> find_direct(const Tuple& tuple) {
  // Version 1 is the only one we know, so the first that reads is the highest.
  for (const auto& extension : tuple.status_extensions) {
    if (!is_direct(extension)) continue;
    if (auto direct = parse_direct(extension)) return std::move(*direct);
  }
  return std::nullopt;
}

bool remove_direct(Tuple& tuple) { return std::erase_if(tuple.status_extensions, is_direct) != 0; }

namespace {

/// What is wrong with a published element; empty when it is right.
std::string fault_of(const Element& element, Published& out) {
  if (version_of(element) != 1) return "unknown version";
  const auto profile = read_profile(element);
  if (!profile) return "unknown profile";
  out.profile = *profile;
  const auto mode = trim(element.attribute("mode").value_or(""));
  out.mode = ds1::parse_mode(mode);
  if (mode != ds1::to_string(out.mode)) return "bad mode";
  const auto epoch = read_epoch(element);
  const std::size_t secrets = count(element, "secret");
  if (*profile == Profile::plain) return secrets == 0 ? "" : "a secret in profile plain";
  if (!epoch) return "bad epoch";
  out.epoch = *epoch;
  crypto::Key32 key{};
  if (!read_key(element, key)) return "bad key";
  if (secrets != 1) return secrets == 0 ? "no secret" : "two secrets";
  if (!read_octets(element.child(ns::direct, "secret")->text(), out.secret)) return "bad secret";
  return "";
}

std::string media_fault_of(const Element& element) {
  for (const Element& child : element.children()) {
    const auto mode = is_ours(child, "media") ? child.attribute("mode") : std::nullopt;
    if (mode && trim(*mode) != ds1::to_string(ds1::parse_mode(trim(*mode)))) return "bad media mode";
  }
  return "";
}

}  // namespace

PublishedCheck check_published(const xml::Fragment& element) {
  if (!is_direct(element)) return {std::nullopt, "not a direct element"};
  if (element.text.size() > direct_size_max) return {std::nullopt, "too large"};
  const auto document = xml::parse(element);
  if (document.has_error()) return {std::nullopt, document.error().message()};
  Published published;
  std::string why = fault_of(document->root(), published);
  if (why.empty()) why = media_fault_of(document->root());
  if (!why.empty()) return {std::nullopt, std::move(why)};
  return {published, {}};
}

xml::Fragment lower(const xml::Fragment& element, ds1::Mode mode) {
  const auto document = xml::parse(element);
  assert(document.has_value());
  const Element& root = document->root();
  xml::Editor editor(root);
  editor.set_attribute(root, "mode", ds1::to_string(mode));
  for (const Element& child : root.children()) {
    if (is_ours(child, "secret") || is_ours(child, "grant")) editor.remove(child);
    const auto own = is_ours(child, "media") ? child.attribute("mode") : std::nullopt;
    if (own && ds1::parse_mode(trim(*own)) > mode) editor.set_attribute(child, "mode", ds1::to_string(mode));
  }
  // Gives an empty element the end tag that a grant stands before.
  editor.append(root, "");
  return editor.finish();
}

std::size_t grant_offset(const xml::Fragment& element) { return element.text.rfind("</"); }

}  // namespace beckon::documents
