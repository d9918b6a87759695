#include "protocol/trace/reader.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <iterator>
#include <utility>

namespace beckon::trace {

boost::json::object to_json(const Question& question) {
  return {{"about", question.about},
          {"full", question.detail != Detail::line},
          {"writing", question.detail == Detail::writing},
          {"follow", question.follow}};
}

std::optional<Question> parse_question(std::string_view text) {
  boost::json::error_code error;
  const auto value = boost::json::parse(text, error);
  if (error || !value.is_object()) return std::nullopt;
  const auto& object = value.as_object();
  const auto* about = object.if_contains("about");
  const auto* full = object.if_contains("full");
  const auto* writing = object.if_contains("writing");
  const auto* follow = object.if_contains("follow");
  const auto is_flag = [](const boost::json::value* flag) { return flag && flag->is_bool(); };
  const bool fits = about && about->is_string() && is_flag(full) && is_flag(writing) && is_flag(follow);
  if (!fits) return std::nullopt;
  const Detail detail = writing->as_bool() ? Detail::writing : full->as_bool() ? Detail::full : Detail::line;
  return Question{std::string(about->as_string()), detail, follow->as_bool()};
}

std::optional<std::uint64_t> Reader::next(std::size_t number) const {
  const Source& source = sources_[number];
  if (done_ || (source.more && source.waiting.empty())) return source.next;
  return std::nullopt;
}

std::string Reader::take(std::vector<Recorder::Page> pages) {
  std::uint64_t lost = 0;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    if (!next(i)) continue;
    Source& source = sources_[i];
    source.next = pages[i].next;
    source.more = pages[i].more;
    std::ranges::move(pages[i].entries, std::back_inserter(source.waiting));
    lost += pages[i].lost;
  }
  std::string text;
  if (lost != 0) {
    text = boost::json::serialize(boost::json::object{{"event", "lost"}, {"count", lost}}) + '\n';
  }
  while (Source* source = oldest()) {
    text += tell(source->waiting.front());
    source->waiting.pop_front();
  }
  done_ = std::ranges::none_of(sources_, &Source::more);
  return text;
}

/// The recorder whose first message is next; null when that is not known, or all were shown.
Reader::Source* Reader::oldest() {
  Source* first = nullptr;
  for (Source& each : sources_) {
    if (each.waiting.empty()) {
      if (each.more) return nullptr;  // its next one may be older than all others
    } else if (first == nullptr || each.waiting.front().time.mono < first->waiting.front().time.mono) {
      first = &each;
    }
  }
  return first;
}

std::string Reader::tell(const Entry& entry) {
  const bool repeated = repeats_.seen(entry);
  Line line = make_line(entry, question_.detail);
  line.repeated = repeated;
  return is_about(line, question_.about) ? boost::json::serialize(to_json(line)) + '\n' : std::string();
}

}  // namespace beckon::trace
