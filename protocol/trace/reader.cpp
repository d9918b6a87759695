#include "protocol/trace/reader.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

namespace beckon::trace {

boost::json::object to_json(const Question& question) {
  return {{"about", question.about}, {"full", question.full}, {"follow", question.follow}};
}

std::optional<Question> parse_question(std::string_view text) {
  boost::json::error_code error;
  const auto value = boost::json::parse(text, error);
  if (error || !value.is_object()) return std::nullopt;
  const auto& object = value.as_object();
  const auto* about = object.if_contains("about");
  const auto* full = object.if_contains("full");
  const auto* follow = object.if_contains("follow");
  const bool fits = about && about->is_string() && full && full->is_bool() && follow && follow->is_bool();
  if (!fits) return std::nullopt;
  return Question{std::string(about->as_string()), full->as_bool(), follow->as_bool()};
}

std::string Reader::take(std::vector<Recorder::Page> pages) {
  std::uint64_t lost = 0;
  more_ = false;
  Time complete = Time::max();
  for (std::size_t i = 0; i < pages.size(); ++i) {
    Recorder::Page& each = pages[i];
    next_[i] = each.next;
    lost += each.lost;
    more_ |= each.more;
    // Behind the last message of a page that is not all, this recorder may have older ones than others.
    if (each.more && !each.entries.empty()) complete = std::min(complete, each.entries.back().time.mono);
    for (Entry& entry : each.entries) waiting_.emplace(entry.time.mono, std::move(entry));
  }
  std::string text;
  if (lost != 0) {
    text = boost::json::serialize(boost::json::object{{"event", "lost"}, {"count", lost}}) + '\n';
  }
  const auto end = waiting_.upper_bound(complete);
  for (auto entry = waiting_.begin(); entry != end; ++entry) {
    const bool repeated = repeats_.seen(entry->second);
    Line line = make_line(entry->second, question_.full);
    line.repeated = repeated;
    if (is_about(line, question_.about)) text += boost::json::serialize(to_json(line)) + '\n';
  }
  waiting_.erase(waiting_.begin(), end);
  return text;
}

}  // namespace beckon::trace
