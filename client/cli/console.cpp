#include "client/cli/console.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "client/terminal/completion.hpp"
#include "protocol/base/log.hpp"
#include "protocol/base/log_output.hpp"
#include "protocol/base/text.hpp"

namespace beckon::client::cli {
namespace {

/// What the prompt itself understands, beside the table of commands.
const std::vector<std::string> own_commands{"help", "who"};

/// The answers to commands, which the person waits for. All other events are news, and have their time.
bool is_answer(std::string_view event) {
  constexpr std::array<std::string_view, 11> answers{"result",  "contacts", "rules",   "view",
                                                     "history", "inbox",    "rooms",   "watch-log",
                                                     "bye",     "trace",    "snapshot"};
  return std::ranges::find(answers, event) != answers.end();
}

}  // namespace

Console::Console(net::Loop& loop, std::string user, std::string home, const StateFolder* folder,
                 Handlers handlers)
    : folder_(folder),
      handlers_(std::move(handlers)),
      names_(home),
      terminal_(loop, {.on_octets = [this](std::string_view octets) { prompt_.take(octets); },
                       .on_end = [this] { handlers_.on_end(); }}),
      prompt_(
          {.name = std::move(user),
           .colour = may_colour(STDOUT_FILENO),
           .columns = terminal_.columns(),
           .line_max = control::line_max},
          {.write = [this](std::string_view octets) { terminal_.write(octets); },
           .on_line = [this](std::string line) { on_line(std::move(line)); },
           .on_interrupt = [this] { handlers_.on_interrupt(); },
           .on_end = [this] { handlers_.on_end(); },
           .complete = [this](std::string_view before) { return complete(before, names_, own_commands); }},
          terminal::History::parse(folder != nullptr ? folder->history() : std::string())) {
  for (const std::string& line : prompt_.history().lines())
    if (const auto command = control::parse_line(line, home)) names_.learn(*command);
  // A line of the log may come from any thread, and while this console is busy.
  log::set_output(
      [this, &loop](std::string line) { loop.post([this, line = std::move(line)] { prompt_.show(line); }); });
  prompt_.start();
}

Console::~Console() { leave(); }

void Console::leave() {
  log::set_output({});
  prompt_.stop();
  terminal_.leave();
}

void Console::on_line(std::string line) {
  const auto written =
      folder_ != nullptr ? folder_->write_history(prompt_.history().print()) : Result<void>();
  if (!written) log::warn("terminal", "what was typed cannot be stored: {}", written.error().message());
  handlers_.on_line(line);
}

void Console::show(const boost::json::object& event, std::string_view text) {
  names_.learn(event);
  if (text.empty()) return;
  const auto time = parse_time(std::string_view(event.at("time").as_string()));
  const bool is_news = time && !is_answer(std::string_view(event.at("event").as_string()));
  prompt_.show(is_news ? fmt::format("{}  {}", local_time(*time), text) : std::string(text));
}

void Console::on_continue() {
  terminal_.resume();
  prompt_.start();
}

}  // namespace beckon::client::cli
