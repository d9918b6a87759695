#include "client/incoming/dispatcher.hpp"

#include <algorithm>

#include "client/control/event.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/value_list.hpp"

namespace beckon::client::incoming {

using sip::HeaderId;
using sip::Method;

namespace {

template <class Range, class Value>
bool contains(const Range& range, const Value& value) {
  return std::ranges::find(range, value) != range.end();
}

bool has_package(Method method) {
  return method == Method::notify || method == Method::subscribe || method == Method::publish;
}

/// The extensions that `request` requires and `room` does not support; all of them without a room.
std::string unsupported(const sip::Message& request, const Room* room) {
  std::string out;
  for (const auto tag : request.each(HeaderId::require)) {
    const bool supported =
        room != nullptr && std::ranges::any_of(room->services().option_tags,
                                               [&](std::string_view own) { return iequals(own, tag); });
    if (!supported) sip::append_value(out, tag);
  }
  return out;
}

/// Has the body an encoding that the room does not read? Identity, and deflate alone if it inflates.
bool is_encoded(const sip::Message& request, bool inflates) {
  unsigned deflated = 0;
  for (const auto coding : request.each(HeaderId::content_encoding)) {
    if (inflates && iequals(coding, "deflate") && ++deflated == 1) continue;
    if (!iequals(coding, "identity")) return true;
  }
  return false;
}

}  // namespace

Room* Dispatcher::find_serving(Method method) const {
  const auto found = std::ranges::find_if(
      rooms_, [&](const Room* room) { return contains(room->services().methods, method); });
  return found == rooms_.end() ? nullptr : *found;
}

Room* Dispatcher::find(Method method, std::string_view package) const {
  if (!has_package(method)) return find_serving(method);
  const auto found = std::ranges::find_if(rooms_, [&](const Room* room) {
    const Services& services = room->services();
    return contains(services.methods, method) && contains(services.packages, package);
  });
  return found == rooms_.end() ? nullptr : *found;
}

void Dispatcher::on_request(transaction::TransactionId id, const transaction::Hop& from,
                            const sip::Message& message, Now now) {
  // In the order of RFC 3261 8.2: method, extensions, content.
  const Request request(context_, id, from, message);
  if (message.method() != Method::options && find_serving(message.method()) == nullptr)
    return refuse(request, now);
  Room* const room = find(message.method(), trim(cut(message.header(HeaderId::event), ';').first));
  if (const auto tags = unsupported(message, room); !tags.empty()) {
    auto reply = request.reply(420);
    reply.add(HeaderId::unsupported, tags);
    return request.respond(std::move(reply), now);
  }
  const bool inflates = room != nullptr && room->services().inflates;
  if (is_encoded(message, inflates)) {
    auto reply = request.reply(415);
    reply.add(HeaderId::accept_encoding, inflates ? "deflate, identity" : "identity");
    return request.respond(std::move(reply), now);
  }
  room != nullptr ? room->on_request(request, now) : refuse(request, now);
}

/// Answers what no room takes.
void Dispatcher::refuse(const Request& request, Now now) const {
  const Method method = request.message().method();
  // This device did not subscribe (RFC 6665 4.1.3).
  if (method == Method::notify && find_serving(method) != nullptr) return request.respond(481, now);
  if (method == Method::invite) report_refused_call(request.message(), now);
  const bool bad_event = has_package(method) && find_serving(method) != nullptr;
  auto reply = request.reply(method == Method::options ? 200 : bad_event ? 489 : 405);
  if (bad_event) {
    std::string packages;
    for (const Room* room : rooms_) {
      if (!contains(room->services().methods, method)) continue;
      for (const auto package : room->services().packages) sip::append_value(packages, package);
    }
    reply.add(HeaderId::allow_events, packages);
  } else {
    reply.add(HeaderId::allow, allow());
  }
  request.respond(std::move(reply), now);
}

/// The caller gets 405; the user is notified of the call.
void Dispatcher::report_refused_call(const sip::Message& invite, Now now) const {
  const auto from = invite.from();
  boost::json::object event = control::make_event("warning", now);
  event["text"] = (from ? sip::canonical_aor(from->uri) : std::string("somebody")) +
                  " called with INVITE, which beckon does not take: refused";
  context_.emit(std::move(event));
}

/// The methods of all rooms, and OPTIONS (RFC 3261 8.2.1, 11.2). ACK and CANCEL belong to INVITE.
std::string Dispatcher::allow() const {
  std::string out;
  const auto add = [&](Method method) {
    const auto name = sip::to_string(method);
    if (!contains(split(out, ','), name)) sip::append_value(out, name);
  };
  for (const Room* room : rooms_) {
    for (const Method method : room->services().methods) {
      add(method);
      if (method != Method::invite) continue;
      add(Method::ack);
      add(Method::cancel);
    }
  }
  add(Method::options);
  return out;
}

void Dispatcher::on_ack(const transaction::Hop&, const sip::Message& ack, Now now) {
  if (Room* const room = find_serving(Method::invite)) room->on_ack(ack, now);
}

void Dispatcher::on_cancel(transaction::TransactionId id, const sip::Message& cancel, Now now) {
  if (Room* const room = find_serving(Method::invite)) room->on_cancel(id, cancel, now);
}

void Dispatcher::on_response(const transaction::Hop&, const sip::Message& response, Now now) {
  if (Room* const room = find_serving(Method::invite)) room->on_response(response, now);
}

void Dispatcher::on_failure(transaction::TransactionId id, transaction::Failure why, Now now) {
  if (Room* const room = find_serving(Method::invite)) room->on_failure(id, why, now);
}

}  // namespace beckon::client::incoming
