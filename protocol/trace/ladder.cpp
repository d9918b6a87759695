#include "protocol/trace/ladder.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/base/printable.hpp"
#include "protocol/base/text.hpp"

namespace beckon::trace {
namespace {

constexpr std::size_t widest_name = 24;
constexpr std::size_t narrowest_column = 11;
constexpr std::size_t time_width = 14;  // "09:00:00.000" and two blanks
constexpr std::size_t what_width = 40, cseq_width = 16, event_width = 22;

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

/// At most `most` characters, the last an ellipsis when some are gone.
std::string shorten(std::string text, std::size_t most) {
  if (width_of(text) <= most) return text;
  std::size_t at = 0;
  for (std::size_t seen = 0; at < text.size(); ++at) {
    if ((text[at] & 0xc0) != 0x80 && seen++ == most - 1) break;
  }
  return text.substr(0, at) + "…";
}

std::string pad(std::string text, std::size_t width) {
  const std::size_t own = width_of(text);
  return own < width ? text + std::string(width - own, ' ') : text;
}

std::string user_of(const std::string& aor) {
  const auto uri = sip::parse_uri(aor);
  return uri ? uri->user : std::string();
}

std::string time_of(const Line& line) {
  const std::string text = print_time(line.time);  // 2026-11-21T04:00:00Z
  return fmt::format("{}.{:03}", text.substr(11, 8), line.time.time_since_epoch().count() % 1000);
}

std::string what_of(const Line& line) {
  if (line.status != 0) return fmt::format("{} {}", line.status, line.reason);
  if (!line.method.empty()) return line.method + " " + line.request_uri;
  return "unreadable";
}

std::string remark_of(const Line& line) {
  std::string out = line.repeated ? " again" : "";
  if (!line.problem.empty()) out += " malformed: " + line.problem;
  return out;
}

/// SGR code of a row; empty for none.
std::string_view colour_of(const Line& line) {
  if (!line.problem.empty()) return "31";
  if (line.repeated) return "2";
  if (line.status >= 400) return "31";
  if (line.status >= 300) return "33";
  if (line.status >= 200) return "32";
  return line.status == 0 ? "1" : "";
}

void append(std::string& text, std::string_view piece, std::size_t times) {
  for (; times != 0; --times) text += piece;
}

std::string trim_right(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

}  // namespace

std::size_t Ladder::find(const Line& line) const {
  const std::string address = line.protocol + " " + line.peer;
  const auto found = std::ranges::find(peers_, address, &Peer::address);
  return static_cast<std::size_t>(found - peers_.begin());
}

std::string Ladder::name_of(const Peer& peer) const {
  return peer.name.empty() || peer.many ? peer.address : peer.name;
}

void Ladder::meet(const Line& line) {
  std::size_t at = find(line);
  if (at == peers_.size()) {
    if (at == most_peers) {
      at = static_cast<std::size_t>(std::ranges::min_element(peers_, {}, &Peer::met) - peers_.begin());
    } else {
      peers_.emplace_back();
    }
    peers_[at] = {.address = line.protocol + " " + line.peer};
    changed_ = true;
  }
  Peer& peer = peers_[at];
  peer.met = ++lines_;
  // A request names the users: its sender acts for From, its receiver for To.
  if (!options_.is_server || line.status != 0 || peer.many) return;
  const std::string name =
      shorten(printable(user_of(line.direction == Direction::received ? line.from : line.to)), widest_name);
  if (name.empty() || name == peer.name) return;
  peer.many = !peer.name.empty();
  peer.name = name;
  changed_ = true;
}

std::vector<Ladder::Column> Ladder::columns() const {
  std::vector<Column> all;
  std::size_t begin = 0;
  const auto add = [&](std::string name) {
    const std::size_t width = std::max(width_of(name) + 2, narrowest_column);
    all.push_back({std::move(name), begin + width / 2});
    begin += width;
  };
  for (const Peer& peer : peers_) {
    add(name_of(peer));
    if (all.size() == 1) add(options_.self);
  }
  return all;
}

std::string Ladder::head() {
  changed_ = false;
  std::string legend, names(time_width, ' ');
  std::size_t at = 0;
  for (const Column& column : columns()) {
    const std::size_t begin = column.middle - width_of(column.name) / 2;
    names.append(begin - at, ' ');
    names += column.name;
    at = begin + width_of(column.name);
  }
  for (const Peer& peer : peers_) {
    if (name_of(peer) != peer.address) legend += fmt::format("  {} is at {}\n", peer.name, peer.address);
  }
  return "\n" + legend + names + "\n";
}

std::string Ladder::lanes(const Line& line) const {
  const auto all = columns();
  const std::size_t own = 1, other = find(line) == 0 ? 0 : find(line) + 1;
  const bool sent = line.direction == Direction::sent;
  const std::size_t from = all[sent ? own : other].middle, to = all[sent ? other : own].middle;
  const std::size_t left = std::min(from, to), right = std::max(from, to);
  std::string out;
  std::size_t at = 0;
  for (const Column& column : all) {
    for (; at < column.middle; ++at) {
      if (at < left || at > right) {
        out += ' ';
      } else if (at == left + 1 && to == left) {
        out += "◀";
      } else if (at + 1 == right && to == right) {
        out += "▶";
      } else {
        out += "─";
      }
    }
    out += at > left && at < right ? "┼" : "│";
    ++at;
  }
  append(out, " ", 3);
  return out;
}

std::string Ladder::draw(const Line& line) {
  meet(line);
  std::string out = changed_ ? head() : std::string();
  std::string row = pad(time_of(line), time_width) + lanes(line);
  row += pad(shorten(printable(what_of(line)), what_width), what_width + 2);
  row += pad(shorten(printable(line.cseq), cseq_width), cseq_width + 2);
  row += pad(shorten(printable(line.event), event_width), event_width + 1);
  row += fmt::format("{:>6}{}", line.size, printable(remark_of(line)));
  row = trim_right(std::move(row));
  const auto colour = colour_of(line);
  if (options_.colour && !colour.empty()) row = fmt::format("\x1b[{}m{}\x1b[0m", colour, row);
  out += row + "\n";
  for (std::string_view rest = line.text; !rest.empty();) {
    auto [text, behind] = cut(rest, '\n');
    if (text.ends_with('\r')) text.remove_suffix(1);
    out += trim_right(std::string(time_width, ' ') + printable(text)) + "\n";
    rest = behind;
  }
  return out;
}

}  // namespace beckon::trace
