#include "protocol/sdp/session.hpp"

#include <algorithm>
#include <array>

#include "protocol/base/text.hpp"
#include "protocol/sdp/text.hpp"

namespace beckon::sdp {
namespace {

using Problem = std::optional<Errc>;

/// Reads a description line by line; `place_` is the media description that is being read.
class Reader {
 public:
  explicit Reader(const Limits& limits) : limits_(limits) {}

  Problem read(std::string_view text);
  Session take() { return std::move(session_); }

 private:
  Problem read_line(char type, std::string_view value);
  Problem read_session_line(char type, std::string_view value);
  Problem read_media_line(char type, std::string_view value);
  Problem read_origin(std::string_view value);
  Problem read_connection(std::string_view value, Connection& connection);
  Problem read_bandwidth(std::string_view value, std::vector<Bandwidth>& bandwidths);
  Problem read_time(std::string_view value);
  Problem read_repeat(std::string_view value);
  Problem read_media(std::string_view value);
  Problem read_attribute(std::string_view value, Attributes& attributes);
  Problem once(char type);

  const Limits& limits_;
  Session session_;
  std::array<bool, 26> seen_{};  ///< Letters of the present level that may stand once.
};

Problem Reader::once(char type) {
  bool& seen = seen_[static_cast<std::size_t>(type - 'a')];
  if (seen) return Errc::duplicate_line;
  seen = true;
  return std::nullopt;
}

Problem Reader::read(std::string_view text) {
  if (text.size() > limits_.size) return Errc::too_long;
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  session_.timings.clear();
  bool origin = false;
  for (std::size_t number = 0; number == 0 || !text.empty(); ++number) {
    if (number == limits_.lines) return Errc::too_many_lines;
    auto [line, rest] = cut(text, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    text = rest;
    const bool fits =
        line.size() >= 2 && line[1] == '=' && line.find_first_of(std::string_view("\r\0", 2)) == line.npos;
    if (!fits) return Errc::bad_line;
    if ((number == 0) != (line[0] == 'v')) return number == 0 ? Errc::misplaced_line : Errc::duplicate_line;
    origin |= line[0] == 'o';
    if (const auto problem = read_line(line[0], line.substr(2))) return problem;
  }
  if (!origin) return Errc::missing_origin;
  if (session_.timings.empty()) session_.timings.emplace_back();
  return std::nullopt;
}

Problem Reader::read_line(char type, std::string_view value) {
  static constexpr std::string_view known = "vosiuepcbtrzkam";
  if (known.find(type) == std::string_view::npos) return Errc::unknown_type;
  if (type == 'm') return read_media(value);
  return session_.media.empty() ? read_session_line(type, value) : read_media_line(type, value);
}

Problem Reader::read_session_line(char type, std::string_view value) {
  static constexpr std::string_view single = "osiuczk";
  if (single.find(type) != std::string_view::npos) {
    if (const auto problem = once(type)) return problem;
  }
  switch (type) {
    case 'v':
      return trim(value) == "0" ? std::nullopt : Problem(Errc::bad_version);
    case 'o':
      return read_origin(value);
    case 's':
      session_.name = value;
      return std::nullopt;
    case 'i':
      session_.information = value;
      return std::nullopt;
    case 'u':
      session_.uri = value;
      return std::nullopt;
    case 'e':
      session_.emails.emplace_back(value);
      return std::nullopt;
    case 'p':
      session_.phones.emplace_back(value);
      return std::nullopt;
    case 'c':
      return read_connection(value, session_.connection.emplace());
    case 'b':
      return read_bandwidth(value, session_.bandwidths);
    case 't':
      return read_time(value);
    case 'r':
      return read_repeat(value);
    case 'z':
      session_.zones = value;
      return std::nullopt;
    case 'a':
      return read_attribute(value, session_.attributes);
    default:  // k
      return std::nullopt;
  }
}

Problem Reader::read_media_line(char type, std::string_view value) {
  Media& media = session_.media.back();
  switch (type) {
    case 'i':
      media.information = value;
      return once(type);
    case 'c':
      return read_connection(value, media.connections.emplace_back());
    case 'b':
      return read_bandwidth(value, media.bandwidths);
    case 'k':
      return once(type);
    case 'a':
      return read_attribute(value, media.attributes);
    default:
      return Errc::misplaced_line;
  }
}

Problem Reader::read_origin(std::string_view value) {
  const auto words = words_of(value);
  if (words.size() != 6 || !is_number(words[1]) || !is_number(words[2])) return Errc::bad_origin;
  session_.origin = {std::string(words[0]), std::string(words[1]), std::string(words[2]),
                     std::string(words[3]), std::string(words[4]), std::string(words[5])};
  return std::nullopt;
}

Problem Reader::read_connection(std::string_view value, Connection& connection) {
  const auto words = words_of(value);
  if (words.size() != 3) return Errc::bad_connection;
  const auto [address, behind] = cut(words[2], '/');
  if (address.empty() || words[2].ends_with('/')) return Errc::bad_connection;
  connection = {std::string(words[0]), std::string(words[1]), std::string(address), {}, {}};
  if (behind.empty()) return std::nullopt;
  // "address/ttl", "address/ttl/count"; IPv6 multicast has no TTL (RFC 8866 5.7).
  auto [first, second] = cut(behind, '/');
  if (first.empty()) return Errc::bad_connection;
  if (connection.address_type == "IP6") {
    if (!second.empty()) return Errc::bad_connection;
    std::swap(first, second);
  }
  if (!first.empty()) connection.ttl = parse_number<std::uint32_t>(first);
  if (!second.empty()) connection.count = parse_number<std::uint32_t>(second);
  const bool fits = (first.empty() || (connection.ttl && *connection.ttl <= 255)) &&
                    (second.empty() || (connection.count && *connection.count != 0));
  return fits ? std::nullopt : Problem(Errc::bad_connection);
}

Problem Reader::read_bandwidth(std::string_view value, std::vector<Bandwidth>& bandwidths) {
  const auto [type, text] = cut(value, ':');
  const auto number = parse_number<std::uint64_t>(trim(text));
  if (!is_token(type) || !number) return Errc::bad_bandwidth;
  bandwidths.push_back({std::string(type), *number});
  return std::nullopt;
}

Problem Reader::read_time(std::string_view value) {
  const auto words = words_of(value);
  if (words.size() != 2) return Errc::bad_time;
  const auto start = parse_number<std::uint64_t>(words[0]), stop = parse_number<std::uint64_t>(words[1]);
  if (!start || !stop) return Errc::bad_time;
  session_.timings.push_back({*start, *stop, {}});
  return std::nullopt;
}

Problem Reader::read_repeat(std::string_view value) {
  if (session_.timings.empty()) return Errc::bad_time;
  session_.timings.back().repeats.emplace_back(value);
  return std::nullopt;
}

Problem Reader::read_media(std::string_view value) {
  if (session_.media.size() == limits_.media) return Errc::too_many_media;
  const auto words = words_of(value);
  if (words.size() < 4) return Errc::bad_media;
  if (words.size() - 3 > limits_.formats) return Errc::too_many_formats;
  const auto [port, ports] = cut(words[1], '/');
  const auto number = parse_number<std::uint16_t>(port);
  const auto count = parse_number<std::uint32_t>(ports);
  const bool counted = words[1].find('/') != std::string_view::npos;
  if (!is_token(words[0]) || !number || (counted && (!count || *count == 0))) return Errc::bad_media;
  seen_ = {};
  Media& media = session_.media.emplace_back();
  media.kind = words[0];
  media.port = *number;
  media.ports = count;
  media.protocol = words[2];
  media.formats.assign(words.begin() + 3, words.end());
  return std::nullopt;
}

Problem Reader::read_attribute(std::string_view value, Attributes& attributes) {
  const std::size_t colon = value.find(':');
  // COMPAT: blanks after a property or a value are ignored.
  const auto name = trim(value.substr(0, colon));
  if (!is_token(name)) return Errc::bad_attribute;
  Attribute& attribute = attributes.emplace_back(Attribute{std::string(name), {}});
  if (colon != std::string_view::npos) attribute.value = trim(value.substr(colon + 1));
  return std::nullopt;
}

// ---- printing

void add_line(std::string& out, char type, std::string_view value) {
  out += type;
  out += '=';
  out += value;
  out += "\r\n";
}

void add_optional(std::string& out, char type, const std::optional<std::string>& value) {
  if (value) add_line(out, type, *value);
}

void add(std::string& out, const Connection& connection) {
  std::string text = connection.net_type + " " + connection.address_type + " " + connection.address;
  if (connection.ttl) text += "/" + std::to_string(*connection.ttl);
  if (connection.count) text += "/" + std::to_string(*connection.count);
  add_line(out, 'c', text);
}

void add(std::string& out, const std::vector<Bandwidth>& bandwidths) {
  for (const Bandwidth& each : bandwidths) add_line(out, 'b', each.type + ":" + std::to_string(each.value));
}

void add(std::string& out, const Attributes& attributes) {
  for (const Attribute& each : attributes)
    add_line(out, 'a', each.value ? each.name + ":" + *each.value : each.name);
}

void add(std::string& out, const Media& media) {
  std::string text = media.kind + " " + std::to_string(media.port);
  if (media.ports) text += "/" + std::to_string(*media.ports);
  text += " " + media.protocol;
  for (const std::string& format : media.formats) text += " " + format;
  add_line(out, 'm', text);
  add_optional(out, 'i', media.information);
  for (const Connection& each : media.connections) add(out, each);
  add(out, media.bandwidths);
  add(out, media.attributes);
}

}  // namespace

const Attribute* find(const Attributes& attributes, std::string_view name) {
  const auto found = std::ranges::find(attributes, name, &Attribute::name);
  return found == attributes.end() ? nullptr : &*found;
}

Result<Session> parse(std::string_view text, const Limits& limits) {
  Reader reader(limits);
  if (const auto problem = reader.read(text)) return *problem;
  return reader.take();
}

std::string print(const Session& session) {
  std::string out;
  add_line(out, 'v', "0");
  const Origin& origin = session.origin;
  add_line(out, 'o',
           origin.username + " " + origin.session_id + " " + origin.version + " " + origin.net_type + " " +
               origin.address_type + " " + origin.address);
  add_line(out, 's', session.name);
  add_optional(out, 'i', session.information);
  add_optional(out, 'u', session.uri);
  for (const std::string& email : session.emails) add_line(out, 'e', email);
  for (const std::string& phone : session.phones) add_line(out, 'p', phone);
  if (session.connection) add(out, *session.connection);
  add(out, session.bandwidths);
  for (const Timing& timing : session.timings) {
    add_line(out, 't', std::to_string(timing.start) + " " + std::to_string(timing.stop));
    for (const std::string& repeat : timing.repeats) add_line(out, 'r', repeat);
  }
  add_optional(out, 'z', session.zones);
  add(out, session.attributes);
  for (const Media& media : session.media) add(out, media);
  return out;
}

const Connection* connection_of(const Session& session, const Media& media) {
  if (!media.connections.empty()) return &media.connections.front();
  return session.connection ? &*session.connection : nullptr;
}

}  // namespace beckon::sdp
