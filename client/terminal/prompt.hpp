#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "client/terminal/completion.hpp"
#include "client/terminal/history.hpp"
#include "client/terminal/keys.hpp"
#include "client/terminal/line.hpp"

namespace beckon::client::terminal {

/// A prompt at a terminal: one row, in which a line is typed, changed, completed and found again in the
/// history; what happens meanwhile appears above it. It owns no descriptor: octets of the keyboard come in,
/// octets for the screen go out (ECMA-48; UTF-8, '\n' alone ends a line, as a terminal with ONLCR wants it).
class Prompt {
 public:
  struct Options {
    std::string name;  ///< What stands before the line: "alice".
    bool colour = false;
    std::size_t columns = 80;  ///< Of the terminal.
    std::size_t line_max = 65536;
  };
  struct Handlers {
    std::function<void(std::string_view octets)> write;
    std::function<void(std::string line)> on_line;  ///< The history has it already.
    std::function<void()> on_interrupt;             ///< Ctrl-C with nothing typed.
    std::function<void()> on_end;                   ///< Ctrl-D with nothing typed.
    std::function<Completion(std::string_view before)> complete;
  };

  Prompt(Options options, Handlers handlers, History history);

  /// Shows the prompt; from now on `show` writes above it.
  void start();
  /// Takes it away; from now on `show` only writes.
  void stop();
  /// What the terminal sent. The row is drawn once, whatever has come.
  void take(std::string_view octets);
  /// Whole lines, ready for the screen: the caller has made peers' texts harmless.
  void show(std::string_view lines);
  void resize(std::size_t columns);
  /// Draws the row anew, as after the terminal belonged to another program.
  void draw();

  const History& history() const { return history_; }

 private:
  void take(const Key& key);
  void finish();
  void recall(const std::string* line);
  void complete();
  void list(const std::vector<std::string>& words);
  void search(const Key& key);
  void find(std::size_t from);
  std::string label() const;
  void write(std::string_view octets) const;
  void ring() const { write("\a"); }

  Options options_;
  Handlers handlers_;
  History history_;
  Keys keys_;
  Line line_;
  std::size_t first_ = 0;  ///< Where the window of the line begins.
  bool is_shown_ = false;
  /// While the history is searched: what for, and where it was found.
  struct Search {
    std::string text;
    std::size_t at;
  };
  std::optional<Search> search_;
};

}  // namespace beckon::client::terminal
