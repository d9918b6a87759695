#include "server/groups/page.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <optional>
#include <utility>

#include "protocol/base/text.hpp"
#include "server/archive/history.hpp"
#include "server/shard/bucket.hpp"

namespace beckon::server::groups {

using beckon::xcap::make_response;
using beckon::xcap::Method;
using beckon::xcap::Response;
using beckon::xcap::UserTarget;
using Verb = Command::Verb;

namespace {

/// False: the member of the query is there and is no address.
bool read_address(const UserTarget& target, std::string_view name, std::string& address) {
  const auto text = target.find(name);
  if (!text) return true;
  const bool has_scheme = text->starts_with("sip:") || text->starts_with("sips:");
  const auto uri = sip::parse_uri(has_scheme ? std::string(*text) : "sip:" + std::string(*text));
  if (!uri || !uri->is_sip() || uri->user.empty()) return false;
  address = sip::canonical_aor(*uri);
  return true;
}

bool read_number(const UserTarget& target, std::string_view name, std::uint64_t& number) {
  const auto text = target.find(name);
  const auto value = text ? parse_number<std::uint64_t>(*text) : std::nullopt;
  if (value) number = *value;
  return !text || value;
}

/// Whether the request says nothing that its verb does not know. A word that is spelt wrong must not turn the
/// removal of a member into the end of the room.
bool is_all_known(const UserTarget& target, Verb verb) {
  switch (verb) {
    case Verb::show:
      return target.has_only({"room"});
    case Verb::history:
      return target.has_only({"room", "history", "since", "before", "limit", "with"});
    case Verb::make:
      return target.has_only({"room", "make", "topic", "open", "invites"});
    case Verb::change:
      return target.has_only({"room", "topic", "open", "invites"});
    case Verb::add:
      return target.has_only({"room", "member", "role"});
    case Verb::remove:
      return target.has_only({"room", "member"});
    case Verb::erase:
      return target.has_only({"room", "history", "number", "with"});
    case Verb::end:
      return target.has_only({"room"});
  }
  return false;
}

bool read_choice(const UserTarget& target, std::string_view name, std::optional<bool>& choice) {
  const auto text = target.find(name);
  if (!text) return true;
  choice = *text == "yes";
  return *text == "yes" || *text == "no";
}

bool read_wishes(const UserTarget& target, Wishes& wishes) {
  if (const auto topic = target.find("topic")) {
    if (topic->size() > topic_max || !is_utf8(*topic)) return false;
    wishes.topic = std::string(*topic);
  }
  return read_choice(target, "open", wishes.is_open) && read_choice(target, "invites", wishes.may_invite);
}

bool read_selection(const UserTarget& target, Command& command) {
  if (const auto since = target.find("since")) {
    command.selection.since = parse_time(*since);
    if (!command.selection.since) return false;
  }
  std::uint64_t limit = archive::page_standard;
  if (!read_number(target, "limit", limit)) return false;
  command.limit = std::clamp<std::size_t>(limit, 1, archive::page_max);
  return read_address(target, "with", command.selection.with) &&
         read_number(target, "before", command.selection.before) &&
         read_number(target, "number", command.selection.number);
}

/// What a request asks; nothing where it cannot be read.
std::optional<Verb> verb_of(const UserTarget& target, Method method) {
  const bool has_member = target.find("member").has_value(), is_history = target.find("history").has_value();
  if (reads(method)) return is_history ? Verb::history : Verb::show;
  if (method == Method::del) return has_member ? Verb::remove : is_history ? Verb::erase : Verb::end;
  if (target.find("make")) return Verb::make;
  if (has_member) return Verb::add;
  if (target.find("topic") || target.find("open") || target.find("invites")) return Verb::change;
  return std::nullopt;
}

std::optional<Command> read_command(const std::string& user, const UserTarget& target, Method method) {
  const auto verb = verb_of(target, method);
  if (!verb || !is_all_known(target, *verb)) return std::nullopt;
  Command command{.verb = *verb, .who = user};
  const auto role = target.find("role");
  if (role && role != "owner" && role != "member") return std::nullopt;
  if (role == "owner") command.role = Role::owner;
  const bool is_read = read_address(target, "room", command.room) &&
                       read_address(target, "member", command.member) &&
                       read_wishes(target, command.wishes) && read_selection(target, command);
  // Number 0 names no message; an erasure would take it for all of them.
  const bool names_none = target.find("number") && command.selection.number == 0;
  return is_read && !names_none ? std::optional(std::move(command)) : std::nullopt;
}

}  // namespace

void Page::list(const std::string& user, const Done& done) {
  Response response;
  response.content_type = "application/json";
  boost::json::array rooms;
  if (const EntryPtr entry = environment_.directory().find(user))
    for (const std::string& room : groups_.rooms_of(*entry)) rooms.push_back(boost::json::value(room));
  response.body = boost::json::serialize(rooms);
  done(std::move(response));
}

void Page::handle(const std::string& user, const UserTarget& target, Method method, Done done) {
  if (method == Method::other) return done(beckon::xcap::refuse_method("GET, HEAD, PUT, DELETE"));
  if (!target.find("room")) return reads(method) ? list(user, done) : done(make_response(400));
  auto command = read_command(user, target, method);
  if (!command) return done(make_response(400));
  if (!environment_.settings().serves(domain_of_aor(command->room))) return done(make_response(404));
  const Verb verb = command->verb;
  groups_.ask(bucket_of(user), std::move(*command), [done = std::move(done), verb](Answer answer) {
    Response response = make_response(static_cast<unsigned>(answer.status));
    if (!answer.body.empty()) {
      response.content_type =
          verb == Verb::history ? documents::message_archive_type : std::string_view("application/json");
      response.body = std::move(answer.body);
    }
    done(std::move(response));
  });
}

}  // namespace beckon::server::groups
