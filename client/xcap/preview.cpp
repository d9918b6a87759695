#include "client/xcap/preview.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <optional>
#include <utility>

#include "protocol/xcap/target.hpp"

namespace beckon::client::xcap {

namespace {

/// Nothing: it is no view.
std::optional<Preview::View> read_view(std::string_view body) {
  ErrorCode error;
  const auto value = boost::json::parse(body, error);
  if (error || !value.is_object()) return std::nullopt;
  const auto text = [&](std::string_view name) {
    const auto* const member = value.as_object().if_contains(name);
    return member && member->is_string() ? std::string(member->as_string()) : std::string();
  };
  Preview::View view{.permission = text("permission"),
                     .by = text("by"),
                     .rules = {},
                     .direct = text("direct"),
                     .document = text("document")};
  if (const auto* const rules = value.as_object().if_contains("rules"); rules && rules->is_array())
    for (const auto& each : rules->as_array())
      if (each.is_string()) view.rules.emplace_back(each.as_string());
  return view.permission.empty() ? std::nullopt : std::optional(std::move(view));
}

}  // namespace

Preview::Preview(const account::Account& account, std::string_view xcap_root, Http& http, Random& random)
    : user_(account.aor),
      root_(std::string(xcap_root.substr(0, xcap_root.rfind('/'))) + "/view"),
      requester_(account, http, random) {}

void Preview::read(const std::string& watcher, const std::string& rule, Done done) {
  beckon::xcap::UserTarget target{.user = user_, .query = {{"as", watcher}}};
  if (!rule.empty()) target.query.emplace_back("if", rule);
  requester_.read<View>(beckon::xcap::print(target, root_), "the view", read_view, std::move(done));
}

}  // namespace beckon::client::xcap
