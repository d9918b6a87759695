#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/trace/line.hpp"
#include "protocol/trace/recorder.hpp"

namespace beckon::trace {

/// What somebody wants to see.
struct Question {
  std::string about;    ///< As `is_about` reads it.
  bool full = false;    ///< With the masked texts.
  bool follow = false;  ///< Go on with what comes.
};
boost::json::object to_json(const Question& question);
/// Nothing when it is not what `to_json` made.
std::optional<Question> parse_question(std::string_view text);

/// Reads the recorders of several shards as one, in order of time. The reader sets the pace: what was
/// overwritten before he came for it is counted, and he is told. Pure.
class Reader {
 public:
  /// Messages asked of one recorder at once: bounds what one turn costs.
  static constexpr std::size_t page = 64;

  Reader(Question question, std::size_t recorders) : question_(std::move(question)), next_(recorders, 0) {}

  const Question& question() const { return question_; }
  /// Where to read recorder `number` on: `Recorder::read(next(number), until, page)`.
  std::uint64_t next(std::size_t number) const { return next_[number]; }

  /// Takes one page of each recorder, all read up to the same time. Returns lines of JSON: events "trace",
  /// and "lost" with a count where messages were.
  std::string take(std::vector<Recorder::Page> pages);
  /// All up to the time of the last pages was told.
  bool is_done() const { return !more_; }

 private:
  Question question_;
  std::vector<std::uint64_t> next_;
  std::multimap<Time, Entry> waiting_;  ///< Read, but another recorder may still have older ones.
  Repeats repeats_;
  bool more_ = true;
};

}  // namespace beckon::trace
