#include "server/archive/history.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/sip/uri.hpp"
#include "server/shard/number.hpp"

namespace beckon::server::archive {

using beckon::xcap::make_response;
using beckon::xcap::Method;
using beckon::xcap::Response;
using beckon::xcap::UserTarget;

namespace {

Response show(const MessageArchive& archive) {
  Response response;
  response.content_type = documents::message_archive_type;
  response.body = documents::print(archive);
  return response;
}

/// Reads a member of the query, where it is there. False: it is malformed.
bool read_number(const UserTarget& target, std::string_view name, std::uint64_t& number) {
  const auto text = target.find(name);
  const auto value = text ? parse_number<std::uint64_t>(*text) : std::nullopt;
  if (value) number = *value;
  return !text || value;
}

/// A telephone number is the user whom messages to it reached.
bool read_with(const UserTarget& target, const Settings& settings, std::string& with) {
  const auto text = target.find("with");
  if (!text) return true;
  const auto uri = sip::parse_uri(*text);
  const auto named = uri ? user_of_number(*uri, settings) : std::nullopt;
  if (!uri || (!uri->is_sip() && !named)) return false;
  with = sip::canonical_aor(named ? *named : *uri);
  return true;
}

/// A message's number is none of 0, which would exclude nothing.
bool read_message_number(const UserTarget& target, std::string_view name, std::uint64_t& number) {
  return read_number(target, name, number) && (number != 0 || !target.find(name));
}

std::optional<Selection> read_selection(const UserTarget& target, const Settings& settings) {
  Selection selection;
  if (const auto since = target.find("since")) {
    selection.since = parse_time(*since);
    if (!selection.since) return std::nullopt;
  }
  const bool is_read = read_with(target, settings, selection.with) &&
                       read_message_number(target, "number", selection.number) &&
                       read_message_number(target, "before", selection.before);
  return is_read ? std::optional(std::move(selection)) : std::nullopt;
}

}  // namespace

void History::handle(const std::string& user, const UserTarget& target, Method method, Done done) {
  auto selection = read_selection(target, environment_.settings());
  std::uint64_t after = 0, limit = page_standard;
  if (!selection || !read_number(target, "after", after) || !read_number(target, "limit", limit))
    return done(make_response(400));
  const EntryPtr entry = environment_.directory().get(user);
  const auto finish = [done](int status) { done(make_response(static_cast<unsigned>(status))); };
  if (reads(method)) {
    if (target.find("after")) return done(show(archive_.changes(*entry, after, page_octets)));
    return done(show(archive_.page(*entry, *selection, std::clamp<std::size_t>(limit, 1, page_max))));
  }
  if (method == Method::put) {
    const auto state = target.find("state"), keep = target.find("keep");
    if ((keep == "yes" || keep == "no") && target.has_only({"keep"}))
      return archive_.set_kept(*entry, keep == "yes", finish);
    if (state == "displayed" && target.has_only({"state", "with", "number", "before"}))
      return archive_.set_displayed(*entry, std::move(*selection), finish);
    return finish(400);
  }
  // What would be left of a time or a page is not what an erasure can say to other devices.
  if (method == Method::del)
    return target.has_only({"with", "number"}) ? archive_.erase(*entry, std::move(*selection), finish)
                                               : finish(400);
  done(beckon::xcap::refuse_method("GET, HEAD, PUT, DELETE"));
}

}  // namespace beckon::server::archive
