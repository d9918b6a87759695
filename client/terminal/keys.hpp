#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::client::terminal {

/// What a person did at the keyboard.
struct Key {
  enum class Kind {
    text,           ///< Characters, as many as came at once; without control characters.
    paste,          ///< A whole paste (bracketed), line ends as '\n'; other control characters are left out.
    paste_too_big,  ///< A paste over the limit, left out.
    enter,
    line_end,  ///< Alt and Enter: a line end within the text.
    tab,
    erase_before,
    erase_at,
    erase_word,
    erase_word_after,
    erase_to_start,
    erase_to_end,
    insert_erased,
    swap,
    left,
    right,
    word_left,
    word_right,
    start,
    end,
    previous,
    next,
    search,  ///< Backwards through the history.
    clear,
    interrupt,    ///< Ctrl-C.
    end_of_text,  ///< Ctrl-D.
  };
  Kind kind;
  std::string text{};
  bool operator==(const Key&) const = default;
};

/// Reads what a terminal sends: UTF-8, control characters, escape sequences (ECMA-48 5.4, xterm's function
/// keys) and bracketed pastes, whatever the pieces they come in. A sequence it does not know is left out. An
/// octet that is not UTF-8 becomes U+FFFD.
class Keys {
 public:
  explicit Keys(std::size_t paste_max) : paste_max_(paste_max) {}

  std::vector<Key> take(std::string_view octets);

 private:
  enum class State { ground, escape, sequence, function, paste };

  void take(char octet);
  void take_text(char octet);
  void take_control(char octet);
  void take_escaped(char octet);
  void take_final(char octet);
  void take_pasted(char octet);
  void paste(char octet);
  void drop_unfinished();
  void add(Key::Kind kind);
  void add_text(std::string_view text);

  std::size_t paste_max_;
  State state_ = State::ground;
  std::string unfinished_;  ///< Octets of a character, or parameters of a sequence.
  std::string pasted_;
  bool too_big_ = false;
  std::size_t matched_ = 0;  ///< Octets of the end of a paste that have come.
  std::vector<Key> keys_;    ///< Of this call of `take`.
};

}  // namespace beckon::client::terminal
