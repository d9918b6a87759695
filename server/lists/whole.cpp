#include "server/lists/whole.hpp"

namespace beckon::server::lists {

template <class Info>
Whole::Taken Whole::take(std::optional<Info>& known, const Result<Info>& news) {
  if (!news) return {};
  if (news->state == Info::State::full) {
    known = *news;
    return {.text = print(*known)};
  }
  if (!known) return {.is_gap = true};
  if (news->version <= known->version) return {};
  if (!merge(*known, *news)) return {.is_gap = true};
  std::string text = print(*known);
  if (text.size() <= octets_max) return {.text = std::move(text)};
  known.reset();
  return {.is_gap = true};
}

Whole::Taken Whole::take(std::string_view type, std::string_view body) {
  if (type == documents::dialoginfo_type) return take(dialogs_, documents::parse_dialoginfo(body));
  return take(registrations_, documents::parse_reginfo(body));
}

void Whole::forget() {
  dialogs_.reset();
  registrations_.reset();
}

}  // namespace beckon::server::lists
