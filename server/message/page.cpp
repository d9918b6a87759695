#include "server/message/page.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <optional>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/sip/message.hpp"
#include "server/shard/anonymity.hpp"

namespace beckon::server::message {

using beckon::xcap::make_response;
using beckon::xcap::Method;
using beckon::xcap::Response;

namespace {

boost::json::object to_json(const Stored& message, Now now) {
  const auto request = request_of(message);
  const auto left = std::chrono::floor<std::chrono::milliseconds>(message.ends - now.mono);
  return {{"id", key_of(message.number)},
          {"from", request && has_anonymous_sender(*request) ? "anonymous" : message.sender},
          {"date", print_time(message.arrived)},
          {"expires", print_time(now.wall + left)},
          {"size", request ? request->body().size() : 0},
          {"type", request ? sip::media_type(request->header(sip::HeaderId::content_type)) : std::string()}};
}

}  // namespace

std::string Page::list(const Entry& user, Now now) const {
  boost::json::array messages;
  if (const Inbox* inbox = boxes_.inbox(user)) {
    for (const auto& [number, message] : inbox->all())
      if (!message.is_delivered) messages.push_back(to_json(message, now));
  }
  return boost::json::serialize(messages);
}

void Page::handle(const std::string& user, const beckon::xcap::UserTarget& target, Method method, Done done) {
  const EntryPtr entry = environment_.directory().get(user);
  if (reads(method)) {
    Response response;
    response.content_type = "application/json";
    response.body = list(*entry, environment_.clock().now());
    return done(std::move(response));
  }
  if (method != Method::del) return done(beckon::xcap::refuse_method("GET, HEAD, DELETE"));
  const auto id = target.find("id");
  const auto number = id ? parse_key(*id) : std::nullopt;
  if (id && !number) return done(make_response(404));
  if (!target.has_only({"id"})) return done(make_response(400));
  boxes_.remove(*entry, number, [done](int status) { done(make_response(static_cast<unsigned>(status))); });
}

}  // namespace beckon::server::message
