#include "client/terminal/keys.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "client/terminal/characters.hpp"
#include "protocol/base/text.hpp"

namespace beckon::client::terminal {
namespace {

using Kind = Key::Kind;

constexpr char escape = '\x1b';
constexpr std::string_view end_of_paste = "\x1b[201~";

/// Parameters of an escape sequence; a longer one is left out.
constexpr std::size_t parameters_max = 32;

constexpr char control(char letter) { return static_cast<char>(letter & 0x1f); }

/// What the control characters do, as in every shell.
constexpr std::array controls{
    std::pair{'\r', Kind::enter},
    std::pair{'\n', Kind::enter},
    std::pair{'\t', Kind::tab},
    std::pair{'\x7f', Kind::erase_before},
    std::pair{control('h'), Kind::erase_before},
    std::pair{control('a'), Kind::start},
    std::pair{control('b'), Kind::left},
    std::pair{control('c'), Kind::interrupt},
    std::pair{control('d'), Kind::end_of_text},
    std::pair{control('e'), Kind::end},
    std::pair{control('f'), Kind::right},
    std::pair{control('k'), Kind::erase_to_end},
    std::pair{control('l'), Kind::clear},
    std::pair{control('n'), Kind::next},
    std::pair{control('p'), Kind::previous},
    std::pair{control('r'), Kind::search},
    std::pair{control('t'), Kind::swap},
    std::pair{control('u'), Kind::erase_to_start},
    std::pair{control('w'), Kind::erase_word},
    std::pair{control('y'), Kind::insert_erased},
};

/// Alt and a key, which sends ESC first.
constexpr std::array with_alt{
    std::pair{'b', Kind::word_left},        std::pair{'f', Kind::word_right},
    std::pair{'d', Kind::erase_word_after}, std::pair{'\x7f', Kind::erase_word},
    std::pair{'\r', Kind::line_end},        std::pair{'\n', Kind::line_end},
};

/// The last octet of a sequence without parameters; with ";5" and the like the arrows go by words.
constexpr std::array finals{
    std::pair{'A', Kind::previous}, std::pair{'B', Kind::next},  std::pair{'C', Kind::right},
    std::pair{'D', Kind::left},     std::pair{'H', Kind::start}, std::pair{'F', Kind::end},
};

/// The first parameter of a sequence that ends with '~'.
constexpr std::array numbers{
    std::pair{'1', Kind::start}, std::pair{'3', Kind::erase_at}, std::pair{'4', Kind::end},
    std::pair{'7', Kind::start}, std::pair{'8', Kind::end},
};

const Kind* find(const auto& table, char octet) {
  for (const auto& row : table)
    if (row.first == octet) return &row.second;
  return nullptr;
}

/// A line end is '\n', and what is not UTF-8 is replaced.
std::string clean(std::string text) {
  std::ranges::replace(text, '\r', '\n');
  if (is_utf8(text)) return text;
  std::string out;
  for (std::string_view rest = text; !rest.empty();) {
    const Character character = first_character(rest);
    out += character.is_valid ? character.octets : "\ufffd";
    rest.remove_prefix(character.octets.size());
  }
  return out;
}

bool is_control(char octet) { return static_cast<unsigned char>(octet) < 0x20 || octet == '\x7f'; }

}  // namespace

std::vector<Key> Keys::take(std::string_view octets) {
  for (const char octet : octets) take(octet);
  return std::exchange(keys_, {});
}

void Keys::take(char octet) {
  switch (state_) {
    case State::ground:
      return is_control(octet) ? take_control(octet) : take_text(octet);
    case State::escape:
      return take_escaped(octet);
    case State::sequence:
    case State::function:
      return take_final(octet);
    case State::paste:
      return take_pasted(octet);
  }
}

void Keys::add(Kind kind) { keys_.push_back({kind}); }

void Keys::add_text(std::string_view text) {
  if (keys_.empty() || keys_.back().kind != Kind::text) add(Kind::text);
  keys_.back().text += text;
}

/// Octets wait for the rest of their character.
void Keys::take_text(char octet) {
  const auto value = static_cast<unsigned char>(octet);
  const bool begins = (value & 0xc0) != 0x80;
  if (begins) drop_unfinished();
  if (value < 0x80) return add_text({&octet, 1});
  unfinished_.push_back(octet);
  const auto lead = static_cast<unsigned char>(unfinished_[0]);
  const std::size_t size = lead < 0xc2 || lead > 0xf4 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (unfinished_.size() < size) return;
  const Character character = first_character(unfinished_);
  if (!character.is_valid) return drop_unfinished();
  if (!is_dangerous(character.code) || character.code >= 0xa0) add_text(unfinished_);
  unfinished_.clear();
}

void Keys::drop_unfinished() {
  if (!unfinished_.empty()) add_text("\ufffd");
  unfinished_.clear();
}

void Keys::take_control(char octet) {
  drop_unfinished();
  if (octet == escape) state_ = State::escape;
  if (const Kind* kind = find(controls, octet)) add(*kind);
}

void Keys::take_escaped(char octet) {
  state_ = octet == '['      ? State::sequence
           : octet == 'O'    ? State::function
           : octet == escape ? State::escape
                             : State::ground;
  if (const Kind* kind = find(with_alt, octet)) add(*kind);
}

void Keys::take_final(char octet) {
  if (octet == escape) {  // the sequence was none
    unfinished_.clear();
    state_ = State::escape;
    return;
  }
  if (octet >= 0x20 && octet < 0x40) {
    if (unfinished_.size() <= parameters_max) unfinished_.push_back(octet);
    return;
  }
  const std::string parameters = std::exchange(unfinished_, {});
  state_ = State::ground;
  if (is_control(octet)) return take_control(octet);
  if (parameters.size() > parameters_max) return;
  if (octet == '~' && parameters == "200") {
    state_ = State::paste;
    return;
  }
  const bool by_words = parameters.find(';') != std::string::npos;
  if (octet == '~' && parameters.size() == 1) {
    if (const Kind* kind = find(numbers, parameters[0])) add(*kind);
  } else if (const Kind* kind = find(finals, octet)) {
    add(by_words && *kind == Kind::left    ? Kind::word_left
        : by_words && *kind == Kind::right ? Kind::word_right
                                           : *kind);
  }
}

void Keys::take_pasted(char octet) {
  if (octet == end_of_paste[matched_]) {
    if (++matched_ < end_of_paste.size()) return;
    matched_ = 0;
    state_ = State::ground;
    std::string text = clean(std::exchange(pasted_, {}));
    keys_.push_back(std::exchange(too_big_, false) ? Key{Kind::paste_too_big}
                                                   : Key{Kind::paste, std::move(text)});
    return;
  }
  // Only its first octet begins the end of a paste.
  for (const char each : end_of_paste.substr(0, std::exchange(matched_, 0))) paste(each);
  if (octet == escape)
    matched_ = 1;
  else
    paste(octet);
}

void Keys::paste(char octet) {
  if (is_control(octet) && octet != '\n' && octet != '\r' && octet != '\t') return;
  if (octet == '\n' && pasted_.ends_with('\r')) {
    pasted_.back() = '\n';
  } else if (pasted_.size() >= paste_max_) {
    too_big_ = true;
  } else {
    pasted_.push_back(octet);
  }
}

}  // namespace beckon::client::terminal
