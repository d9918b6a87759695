#include "client/xcap/inbox.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <optional>

#include "protocol/xcap/target.hpp"

namespace beckon::client::xcap {

namespace {

/// "/inbox/users/sip:alice@example.org"
std::string inbox_path(const account::Account& account) {
  std::string path = beckon::xcap::print({.auid = "inbox",
                                          .tree = beckon::xcap::Target::Tree::users,
                                          .user = account.aor,
                                          .document = {},
                                          .node_selector = {},
                                          .query = {}},
                                         "");
  path.pop_back();
  return path;
}

/// What we know of one message; without id, sender and date it is none.
std::optional<boost::json::object> read_message(const boost::json::value& value) {
  if (!value.is_object()) return std::nullopt;
  boost::json::object out;
  for (const std::string_view name : {"id", "from", "date", "expires", "type"}) {
    const auto* const member = value.as_object().if_contains(name);
    if (member == nullptr) continue;
    if (member->is_string())
      out[name] = member->as_string();
    else if (member->is_number())
      out[name] = boost::json::serialize(*member);
  }
  if (const auto* const size = value.as_object().if_contains("size"); size != nullptr && size->is_int64())
    out["size"] = size->as_int64();
  const bool is_whole = out.contains("id") && out.contains("from") && out.contains("date");
  return is_whole ? std::optional(std::move(out)) : std::nullopt;
}

/// Nullopt: no array.
std::optional<boost::json::array> read_messages(std::string_view body) {
  ErrorCode error;
  const auto value = boost::json::parse(body, error);
  if (error || !value.is_array()) return std::nullopt;
  boost::json::array out;
  for (const auto& each : value.as_array())
    if (auto message = read_message(each)) out.push_back(std::move(*message));
  return out;
}

}  // namespace

Inbox::Inbox(const account::Account& account, Http& http, Random& random)
    : path_(inbox_path(account)), requester_(account, http, random) {}

void Inbox::read(Done done) {
  requester_.read<boost::json::array>(path_, "what waits", read_messages, std::move(done));
}

}  // namespace beckon::client::xcap
