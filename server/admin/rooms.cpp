#include "server/admin/rooms.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <ostream>

#include "protocol/base/text.hpp"
#include "server/admin/data_folder.hpp"
#include "server/admin/error.hpp"
#include "server/admin/socket.hpp"
#include "server/store/sqlite.hpp"
#include "server/users/user.hpp"

namespace beckon::server::admin {

using Verb = CommandLine::Verb;

namespace {

/// One room command at work.
class RoomWork {
 public:
  RoomWork(const CommandLine& line, std::ostream& out, std::ostream& errors)
      : line_(line), out_(out), errors_(errors) {}

  Exit list() {
    const auto rooms = all_rooms(line_.config.data);
    if (!rooms) return fail(rooms.error().message());
    if (line_.json) {
      out_ << boost::json::serialize(boost::json::value_from(*rooms)) << '\n';
    } else {
      for (const std::string& room : *rooms) out_ << room.substr(room.find(':') + 1) << '\n';
    }
    return Exit::done;
  }

  Exit add() {
    const auto owner = users::canonical_aor(line_.owner);
    if (!owner) return fail(line_.owner + ": " + owner.error().message(), Exit::usage);
    if (line_.topic.find_first_of("\r\n") != std::string::npos)
      return fail("a topic has one line", Exit::usage);
    return ask_for("make", ' ' + *owner + ' ' + line_.topic, "added ");
  }

  Exit remove() { return ask_for("end", {}, "removed "); }

 private:
  Exit fail(const std::string& what, Exit code = Exit::failed) {
    errors_ << "beckond: " << what << '\n';
    return code;
  }

  Exit ask_for(const std::string& verb, const std::string& rest, const std::string& done) {
    const auto room = users::canonical_aor(line_.argument);
    if (!room) return fail(line_.argument + ": " + room.error().message(), Exit::usage);
    const auto text = ask(socket_path(line_.config.data), "room " + verb + ' ' + *room + rest);
    if (!text) return fail(text.error().message() + " (" + line_.config.data.string() + ')');
    if (const auto why = reason_of_refusal(*text)) return fail(line_.argument + ": " + *why);
    out_ << done << room->substr(room->find(':') + 1) << '\n';
    return Exit::done;
  }

  const CommandLine& line_;
  std::ostream& out_;
  std::ostream& errors_;
};

Result<std::vector<std::string>> read_rooms(std::string_view answer) {
  boost::json::error_code error;
  const auto value = boost::json::parse(answer, error);
  if (error || !value.is_array()) return Errc::bad_answer;
  std::vector<std::string> rooms;
  for (const auto& each : value.as_array())
    if (each.is_string()) rooms.emplace_back(each.as_string());
  std::ranges::sort(rooms);
  return rooms;
}

}  // namespace

Result<std::vector<std::string>> all_rooms(const std::filesystem::path& data) {
  if (const auto answer = ask(socket_path(data), "rooms")) return read_rooms(*answer);
  return store::addresses_with(state_file(data), store::Kind::room, "room");
}

Exit run_room_command(const CommandLine& line, std::ostream& out, std::ostream& errors) {
  RoomWork work(line, out, errors);
  switch (line.verb) {
    case Verb::room_add:
      return work.add();
    case Verb::room_list:
      return work.list();
    case Verb::room_remove:
      return work.remove();
    default:
      return Exit::usage;
  }
}

}  // namespace beckon::server::admin
