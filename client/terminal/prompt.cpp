#include "client/terminal/prompt.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "client/terminal/characters.hpp"

namespace beckon::client::terminal {
namespace {

using Kind = Key::Kind;

// What a terminal does at these (ECMA-48; bracketed paste: xterm).
constexpr std::string_view begin_of_row = "\r\x1b[K";
constexpr std::string_view clear_screen = "\x1b[H\x1b[2J";
constexpr std::string_view bracket_pastes = "\x1b[?2004h";
constexpr std::string_view no_brackets = "\x1b[?2004l";
constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view plain = "\x1b[m";

/// A finished line that would take more rows than this is shortened.
constexpr std::size_t rows_of_finished_line = 6;

/// Candidates of a completion that are listed; the others are counted.
constexpr std::size_t listed_max = 100;

}  // namespace

Prompt::Prompt(Options options, Handlers handlers, History history)
    : options_(std::move(options)),
      handlers_(std::move(handlers)),
      history_(std::move(history)),
      keys_(options_.line_max),
      line_(options_.line_max) {}

void Prompt::write(std::string_view octets) const { handlers_.write(octets); }

void Prompt::start() {
  is_shown_ = true;
  write(bracket_pastes);
  draw();
}

void Prompt::stop() {
  if (!std::exchange(is_shown_, false)) return;
  write(fmt::format("{}{}", begin_of_row, no_brackets));
}

void Prompt::resize(std::size_t columns) {
  options_.columns = columns;
  draw();
}

void Prompt::show(std::string_view lines) {
  if (lines.empty()) return;
  if (!is_shown_) return write(lines);
  write(fmt::format("{}{}", begin_of_row, lines));
  draw();
}

std::string Prompt::label() const {
  return search_ ? fmt::format("(search: {}) ", shorten(shown(search_->text), options_.columns / 3))
                 : shorten(shown(options_.name), options_.columns / 3) + "> ";
}

void Prompt::draw() {
  if (!is_shown_) return;
  const std::string before = label();
  const std::size_t taken = beckon::columns(before);
  const std::size_t width = options_.columns > taken + 1 ? options_.columns - taken - 1 : 1;
  const Window window = window_of(line_, width, first_);
  std::string out(begin_of_row);
  out += options_.colour ? fmt::format("{}{}{}", bold, before, plain) : before;
  out += window.shown;
  out += fmt::format("\r\x1b[{}C", taken + window.cursor);
  write(out);
}

void Prompt::take(std::string_view octets) {
  for (const Key& key : keys_.take(octets)) {
    if (!is_shown_) return;
    take(key);
  }
  draw();
}

void Prompt::take(const Key& key) {
  if (search_) return search(key);
  switch (key.kind) {
    case Kind::enter:
      return finish();
    case Kind::tab:
      return complete();
    case Kind::previous:
      return recall(history_.previous(line_.text()));
    case Kind::next:
      return recall(history_.next());
    case Kind::search:
      search_ = Search{{}, history_.lines().size()};
      return;
    case Kind::clear:
      return write(clear_screen);
    case Kind::interrupt:
      if (line_.empty()) return handlers_.on_interrupt();
      write(fmt::format("{}{}{}^C\n", begin_of_row, label(),
                        shorten(shown(line_.text().substr(0, 4 * options_.columns)), options_.columns)));
      return line_.set({});
    case Kind::end_of_text:
      if (line_.empty()) return handlers_.on_end();
      break;
    case Kind::paste_too_big:
      return show(
          fmt::format("what was pasted has more than {} octets, and is left out\n", options_.line_max));
    default:
      break;
  }
  if (!line_.edit(key)) ring();
}

/// The finished line stays on the screen, above what it causes.
void Prompt::finish() {
  const std::size_t room = rows_of_finished_line * options_.columns;
  write(
      fmt::format("{}{}{}\n", begin_of_row, label(), shorten(shown(line_.text().substr(0, 8 * room)), room)));
  std::string line = line_.text();
  line_.set({});
  history_.add(line);
  handlers_.on_line(std::move(line));
}

void Prompt::recall(const std::string* line) { line == nullptr ? ring() : line_.set(*line); }

void Prompt::complete() {
  const Completion found = handlers_.complete(line_.before_cursor());
  if (found.words.empty()) {
    if (!found.hint.empty()) show("  " + found.hint + "\n");
    return;
  }
  const std::string_view typed = line_.before_cursor().substr(found.from);
  const bool is_only = found.words.size() == 1;
  const std::string common = common_beginning(found.words);
  if (!is_only && common.size() <= typed.size()) return list(found.words);
  if (!line_.replace(found.from, is_only ? common + " " : common)) ring();
}

void Prompt::list(const std::vector<std::string>& words) {
  std::size_t widest = 0;
  const std::size_t count = std::min(words.size(), listed_max);
  for (std::size_t i = 0; i < count; ++i) widest = std::max(widest, beckon::columns(words[i]));
  const std::size_t in_row = std::max<std::size_t>(1, options_.columns / (widest + 2));
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    const bool ends = (i + 1) % in_row == 0 || i + 1 == count;
    out += ends ? shown(words[i]) + "\n" : pad(shown(words[i]), widest + 2);
  }
  if (count < words.size()) out += fmt::format("and {} more\n", words.size() - count);
  show(out);
}

/// The newest line before `from` that has what is searched for is shown as if it had been recalled.
void Prompt::find(std::size_t from) {
  const std::size_t at = history_.find(search_->text, from);
  if (at == history_.lines().size()) return ring();
  search_->at = at;
  line_.set(history_.lines()[at]);
}

void Prompt::search(const Key& key) {
  switch (key.kind) {
    case Kind::text:
      search_->text += key.text;
      return find(search_->at == history_.lines().size() ? search_->at : search_->at + 1);
    case Kind::search:
      return find(search_->at);
    case Kind::erase_before:
      if (!search_->text.empty()) search_->text.erase(start_of_cluster(search_->text, search_->text.size()));
      return find(history_.lines().size());
    case Kind::interrupt:
      search_.reset();
      return line_.set({});
    default:
      search_.reset();
      return take(key);
  }
}

}  // namespace beckon::client::terminal
