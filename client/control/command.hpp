#pragma once

#include <boost/json/object.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/control/naming.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/time.hpp"

namespace beckon::client::control {

enum class Errc {
  not_json = 1,      ///< The line is not a JSON object.
  too_long,          ///< The line is longer than `line_max`.
  unknown_command,   ///< No such command.
  missing_argument,  ///< A required argument is absent.
  bad_argument,      ///< An argument is unknown, of the wrong type, or not one of its words.
};
const char* to_string(Errc value);

/// Octets of one line of commands.
inline constexpr std::size_t line_max = 65536;

/// One argument of a command.
struct Argument {
  enum class Type {
    text,
    number,
    address,
    target,          ///< An address, or the GRUU of one of its devices.
    address_or_all,  ///< The word "all" stands for every user.
    resource,        ///< An address, or "@example.org": all users of a domain.
    addresses,       ///< One or more of those; on a command line all words without a name.
    flag,            ///< True where it is named.
  };
  const char* name;
  Type type;
  bool required;
  const char* help;
  const char* words = "";  ///< Allowed values of a text, separated by '|'; empty: any.
  /// The last one by position takes the rest of the line, blanks and quotation marks included.
  bool takes_rest = false;
};

struct Command;

/// Executes commands: one function for each row of the table of commands. A command ends with one "result"
/// event.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void do_register(const Command& command, Now now) = 0;
  virtual void do_unregister(const Command& command, Now now) = 0;
  virtual void do_publish(const Command& command, Now now) = 0;
  virtual void do_unpublish(const Command& command, Now now) = 0;
  virtual void do_watchers(const Command& command, Now now) = 0;
  virtual void do_welcome(const Command& command, Now now) = 0;
  virtual void do_subscribe(const Command& command, Now now) = 0;
  virtual void do_watch(const Command& command, Now now) = 0;
  virtual void do_unsubscribe(const Command& command, Now now) = 0;
  virtual void do_allow(const Command& command, Now now) = 0;
  virtual void do_block(const Command& command, Now now) = 0;
  virtual void do_politely_block(const Command& command, Now now) = 0;
  virtual void do_confirm(const Command& command, Now now) = 0;
  virtual void do_forget(const Command& command, Now now) = 0;
  virtual void do_rules_show(const Command& command, Now now) = 0;
  virtual void do_view_as(const Command& command, Now now) = 0;
  virtual void do_contacts_list(const Command& command, Now now) = 0;
  virtual void do_contacts_add(const Command& command, Now now) = 0;
  virtual void do_contacts_remove(const Command& command, Now now) = 0;
  virtual void do_contacts_group(const Command& command, Now now) = 0;
  virtual void do_message(const Command& command, Now now) = 0;
  virtual void do_typing(const Command& command, Now now) = 0;
  virtual void do_inbox(const Command& command, Now now) = 0;
  virtual void do_history(const Command& command, Now now) = 0;
  virtual void do_read(const Command& command, Now now) = 0;
  virtual void do_erase(const Command& command, Now now) = 0;
  virtual void do_keep_history(const Command& command, Now now) = 0;
  virtual void do_rooms(const Command& command, Now now) = 0;
  virtual void do_room(const Command& command, Now now) = 0;
  virtual void do_media(const Command& command, Now now) = 0;
  virtual void do_call(const Command& command, Now now) = 0;
  virtual void do_talk(const Command& command, Now now) = 0;
  virtual void do_answer(const Command& command, Now now) = 0;
  virtual void do_reject(const Command& command, Now now) = 0;
  virtual void do_hangup(const Command& command, Now now) = 0;
  virtual void do_hold(const Command& command, Now now) = 0;
  virtual void do_resume(const Command& command, Now now) = 0;
  virtual void do_dtmf(const Command& command, Now now) = 0;
  virtual void do_statistics(const Command& command, Now now) = 0;
  virtual void do_accept_key(const Command& command, Now now) = 0;
  virtual void do_safety_number(const Command& command, Now now) = 0;
  virtual void do_wait_presence(const Command& command, Now now) = 0;
  virtual void do_wait_message(const Command& command, Now now) = 0;
  virtual void do_wait_watcher(const Command& command, Now now) = 0;
  virtual void do_wait_audio(const Command& command, Now now) = 0;
  virtual void do_snapshot(const Command& command, Now now) = 0;
  virtual void do_quit(const Command& command, Now now) = 0;
};

/// One command of the contract. Its row in the table is the only place that names it: the JSON lines, the
/// command line, the prompt, their help and the dispatch all read the table.
struct Specification {
  /// What a one-shot `beckon COMMAND` does after the result.
  enum class Then {
    end,
    stay,   ///< Continues until interrupted: the command only makes sense while somebody watches.
    leave,  ///< Takes back what the command began, as `quit` does.
    quit,   ///< The command itself ends the program.
  };
  const char* name;  ///< One word, or two: "contacts add".
  void (Executor::*handler)(const Command& command, Now now);
  const char* help;
  std::vector<Argument> arguments;
  Then then = Then::end;
};
std::span<const Specification> specifications();
const Specification* find_specification(std::string_view name);
/// The command that ends the program, which the program also executes by itself.
const Specification& quit();

/// A command that was checked against its specification: every required argument is there, every
/// argument has its type, addresses are canonical ("sip:alice@example.org").
struct Command {
  std::string id;                                ///< The caller's correlation id; may be empty.
  const Specification* specification = nullptr;  ///< Null only before the command is known.
  boost::json::object arguments;

  std::string_view name() const { return specification != nullptr ? specification->name : ""; }
  void execute(Executor& executor, Now now) const { (executor.*specification->handler)(*this, now); }
  bool has(std::string_view argument) const { return arguments.contains(argument); }
  std::string text(std::string_view argument, std::string_view otherwise = {}) const;
  std::int64_t number(std::string_view argument, std::int64_t otherwise) const;
  std::vector<std::string> addresses(std::string_view argument) const;
  bool flag(std::string_view argument) const;
};

/// A command that could not be read. Its `id` and which command it is are kept if they could be read, so that
/// the caller recognises the result.
struct Rejected {
  ErrorCode error;
  std::string id;
  std::string detail;
  const Specification* specification = nullptr;
};

/// Reads {"id": "7", "command": "message", "to": "alice@example.org", "text": "hi"}. `naming` says whom a
/// name without domain means, "alice". The same below.
boost::system::result<Command, Rejected> parse_command(std::string_view line, const Naming& naming = {});

/// Reads the words of a command line, required arguments by position, the others as --name VALUE:
/// message alice@example.org "hi", allow bob@example.org --direct auto. Required ones may be named, too, and
/// are after a list: welcome alice@example.org bob@example.org --text "hi". A flag has no value: watchers
/// --log. The words after the recipient of a message are its text, with or without quotation marks.
boost::system::result<Command, Rejected> parse_words(std::span<const std::string> words,
                                                     const Naming& naming = {});

/// Reads the same from a typed line, where "quotation marks" keep the blanks of a value together.
boost::system::result<Command, Rejected> parse_line(std::string_view line, const Naming& naming = {});

/// For people: examples, then the commands with what each does; or, with the name of one, how it is written,
/// what its arguments may be, and examples; with the first word of several, those. A name that is no
/// command's is said to be none, and answered with all of them.
std::string print_help(std::string_view name = {});
}  // namespace beckon::client::control

BECKON_ERROR_ENUM(beckon::client::control, Errc, "beckon.control")
