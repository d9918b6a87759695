#include "client/xcap/rooms.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "protocol/xcap/target.hpp"

namespace beckon::client::xcap {

using beckon::xcap::Method;

namespace {

/// What the answer means where it is no success of HTTP's own.
std::string meaning_of(int status) {
  switch (status) {
    case 400:
      return "the server cannot read that";
    case 403:
      return "you may not do that in the room, or there are too many";
    case 404:
      return "there is no such room, or no such user";
    case 409:
      return "the name is taken, or the room is full";
    default:
      return {};
  }
}

std::optional<boost::json::object> read_member(const boost::json::value& value) {
  if (!value.is_object()) return std::nullopt;
  const auto* const user = value.as_object().if_contains("user");
  const auto* const role = value.as_object().if_contains("role");
  const auto* const here = value.as_object().if_contains("here");
  if (!user || !user->is_string() || !role || !role->is_string()) return std::nullopt;
  boost::json::object member{{"user", user->as_string()}, {"role", role->as_string()}};
  member["here"] = here && here->is_bool() && here->as_bool();
  return member;
}

/// Nothing: it is no room.
std::optional<boost::json::object> read_room(std::string_view body) {
  ErrorCode error;
  const auto value = boost::json::parse(body, error);
  const auto* const room = error || !value.is_object() ? nullptr : value.as_object().if_contains("room");
  if (!room || !room->is_string()) return std::nullopt;
  boost::json::object view{{"room", room->as_string()}, {"topic", ""}, {"members", boost::json::array()}};
  const boost::json::object& said = value.as_object();
  if (const auto* const topic = said.if_contains("topic"); topic && topic->is_string())
    view["topic"] = topic->as_string();
  for (const std::string_view name : {"open", "invites"})
    if (const auto* const choice = said.if_contains(name); choice && choice->is_bool())
      view[name] = choice->as_bool();
  if (const auto* const members = said.if_contains("members"); members && members->is_array())
    for (const auto& each : members->as_array())
      if (auto member = read_member(each)) view["members"].as_array().push_back(std::move(*member));
  return view;
}

/// Nothing: it is no list.
std::optional<boost::json::object> read_rooms(std::string_view body) {
  ErrorCode error;
  const auto value = boost::json::parse(body, error);
  if (error || !value.is_array()) return std::nullopt;
  boost::json::array rooms;
  for (const auto& each : value.as_array())
    if (each.is_string()) rooms.push_back(each);
  return boost::json::object{{"rooms", std::move(rooms)}};
}

}  // namespace

Rooms::Rooms(const account::Account& account, std::string_view xcap_root, Http& http, Random& random)
    : user_(account.aor),
      root_(std::string(xcap_root.substr(0, xcap_root.rfind('/'))) + "/rooms"),
      requester_(account, http, random) {}

std::string Rooms::target(Query query) const {
  return beckon::xcap::print(beckon::xcap::UserTarget{.user = user_, .query = std::move(query)}, root_);
}

void Rooms::list(Shown done) {
  requester_.read<boost::json::object>(target({}), "the list of rooms", read_rooms, std::move(done));
}

void Rooms::show(const std::string& room, Shown done) {
  requester_.read<boost::json::object>(target({{"room", room}}), "the room", read_room, std::move(done));
}

void Rooms::history(const std::string& room, Query query, Read done) {
  query.emplace_back("room", room);
  query.emplace_back("history", "");
  const auto parse = [](std::string_view body) { return documents::parse_message_archive(body); };
  requester_.read<documents::MessageArchive>(target(std::move(query)), "the history", parse, std::move(done));
}

void Rooms::change(Method method, const std::string& room, Query query, Done done) {
  query.emplace_back("room", room);
  requester_.send({.method = method, .target = target(std::move(query)), .headers = {}, .body = {}},
                  [done = std::move(done)](const Result<beckon::xcap::Response>& response, Now now) {
                    if (!response)
                      return done(Requester::status_of(response.error()), response.error().message(), now);
                    const int status = static_cast<int>(response->status);
                    done(status, meaning_of(status), now);
                  });
}

}  // namespace beckon::client::xcap
