#include "protocol/locate/cache.hpp"

#include <algorithm>

namespace beckon::locate {

void Cache::drop(const Question& question) {
  const auto found = entries_.find(question);
  if (found == entries_.end()) return;
  by_end_.erase({found->second.until, question});
  entries_.erase(found);
}

void Cache::put(const Question& question, const Answer& answer, Time now) {
  drop(question);
  const auto life = [&] {
    switch (answer.kind) {
      case Answer::Kind::found:
        return std::min(answer.ttl, limits_.longest);
      case Answer::Kind::no_data:
      case Answer::Kind::no_name:
        return std::min(answer.ttl, limits_.longest_nothing);
      case Answer::Kind::failed:
        break;
    }
    return limits_.failed;
  }();
  if (life <= Duration::zero() || limits_.entries == 0) return;
  while (!by_end_.empty() && (by_end_.begin()->first <= now || entries_.size() >= limits_.entries))
    drop(Question(by_end_.begin()->second));
  entries_.emplace(question, Entry{answer, now + life});
  by_end_.emplace(now + life, question);
}

std::optional<Answer> Cache::find(const Question& question, Time now) const {
  const auto found = entries_.find(question);
  if (found == entries_.end() || found->second.until <= now) return std::nullopt;
  return found->second.answer;
}

}  // namespace beckon::locate
