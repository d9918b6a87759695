#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/trace/line.hpp"
#include "protocol/trace/recorder.hpp"

namespace beckon::trace {

/// What a client wants to see.
struct Question {
  std::string about;  ///< As `is_about` reads it.
  Detail detail = Detail::line;
  bool follow = false;  ///< Go on with what comes.
};
boost::json::object to_json(const Question& question);
/// Nullopt when it is not what `to_json` made.
std::optional<Question> parse_question(std::string_view text);

/// Reads the recorders of several shards as one, in order of time. The reader sets the pace: what was
/// overwritten before it was read is counted and reported. A recorder is read again only when all that
/// was read of it has been shown, so that at most one page of each is held, however they differ in age. Pure.
class Reader {
 public:
  /// Messages asked of one recorder at once: bounds what one turn costs.
  static constexpr std::size_t page = 64;

  Reader(Question question, std::size_t recorders) : question_(std::move(question)), sources_(recorders) {}

  const Question& question() const { return question_; }
  /// Where to read recorder `number` on: `Recorder::read(*next(number), until, page)`, with the same `until`
  /// until `is_done`. Nullopt: it is not to be read in this turn.
  std::optional<std::uint64_t> next(std::size_t number) const;

  /// Takes the pages `next` asked for, empty ones for the others. Returns lines of JSON: events "trace", and
  /// "lost" with a count where messages were.
  std::string take(std::vector<Recorder::Page> pages);
  /// All up to the time of the last pages was shown.
  bool is_done() const { return done_; }

 private:
  struct Source {
    std::uint64_t next = 0;
    std::deque<Entry> waiting;  ///< Read, but another recorder may still have older ones.
    bool more = true;           ///< There are more after `waiting`.
  };
  Source* oldest();
  std::string tell(const Entry& entry);

  Question question_;
  std::vector<Source> sources_;
  Repeats repeats_;
  bool done_ = false;
};

}  // namespace beckon::trace
