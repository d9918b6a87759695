#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/trace/line.hpp"

namespace beckon::trace {

/// Draws messages as a ladder for people: one column for each end, one row for each message.
///
///                     alice       beckond
///     09:00:00.000      │──────────▶│      REGISTER sip:example.org     1 REGISTER          412
///     09:00:00.002      │◀──────────│      401 Unauthorized             1 REGISTER          398
///
/// There are at most `most_peers` columns besides our own; a newcomer takes that of the peer silent for
/// longest. What would move the cursor or colour the terminal is shown as '?'.
class Ladder {
 public:
  static constexpr std::size_t most_peers = 8;
  struct Options {
    std::string self;       ///< Name of our own column.
    bool is_server = true;  ///< The others are users: columns are named by the users they act for.
    bool colour = false;    ///< Escape sequences of a terminal.
  };
  explicit Ladder(Options options) : options_(std::move(options)) {}

  /// Gets to know the ends of a line before rows are drawn, so that the head is drawn once.
  void meet(const Line& line);
  /// The row of a line; the head before it when there is a new peer.
  std::string draw(const Line& line);

 private:
  struct Peer {
    std::string address;    ///< "tls 192.0.2.1:5061"; distinguishes peers.
    std::string name{};     ///< The user it acts for, while that is one.
    bool many = false;      ///< It speaks for several: its address is its name.
    std::uint64_t met = 0;  ///< When it was last met, in lines.
  };
  struct Column {
    std::string name;
    std::size_t middle;
  };

  std::size_t find(const Line& line) const;
  std::string name_of(const Peer& peer) const;
  std::vector<Column> columns() const;
  std::string head();
  std::string lanes(const Line& line) const;

  Options options_;
  std::vector<Peer> peers_;  ///< In the order they were met. Our own column follows the first.
  std::uint64_t lines_ = 0;  ///< Met so far.
  bool changed_ = true;      ///< The head is to be drawn.
};

}  // namespace beckon::trace
