#include "server/presence/preview.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <optional>
#include <utility>

#include "protocol/sip/uri.hpp"
#include "server/xcap/documents.hpp"

namespace beckon::server::presence {

using beckon::xcap::make_response;
using beckon::xcap::Method;
using beckon::xcap::Response;

namespace {

/// Empty: it is no address.
std::string read_watcher(std::string_view text) {
  const bool has_scheme = text.starts_with("sip:") || text.starts_with("sips:");
  const auto uri = sip::parse_uri(has_scheme ? std::string(text) : "sip:" + std::string(text));
  return uri && uri->is_sip() && !uri->user.empty() ? sip::canonical_aor(*uri) : std::string();
}

/// The rules with another one for the watcher. Errors: bad_value, `rule` is none; rule_in_the_way.
Result<documents::Rules> change(const documents::CompiledRules* rules, const std::string& watcher,
                                std::string_view rule) {
  documents::Rules changed;
  if (rules) changed.rules = rules->rules();
  if (rule == "forget") {
    documents::forget_watcher(changed, watcher);
    return changed;
  }
  const auto handling = documents::parse_sub_handling(rule);
  if (!handling) return documents::Errc::bad_value;
  if (const auto set = documents::set_watcher(changed, watcher, {.handling = *handling}); !set)
    return set.error();
  return changed;
}

Response show(const std::string& watcher, const Watches::Preview& preview) {
  boost::json::object body{{"watcher", watcher},
                           {"permission", to_string(preview.view.permission)},
                           {"by", to_string(preview.reason.by)},
                           {"direct", ds1::to_string(preview.view.direct())}};
  boost::json::array rules;
  for (const std::string& id : preview.reason.rules) rules.emplace_back(id);
  body["rules"] = std::move(rules);
  if (preview.text) body["document"] = *preview.text;
  Response response;
  response.content_type = "application/json";
  response.body = boost::json::serialize(body);
  return response;
}

}  // namespace

void Preview::handle(const std::string& user, const beckon::xcap::UserTarget& target, Method method,
                     const Done& done) {
  if (!reads(method)) return done(beckon::xcap::refuse_method("GET, HEAD"));
  const std::string watcher = read_watcher(target.find("as").value_or(""));
  if (watcher.empty() || !target.has_only({"as", "if"})) return done(make_response(400));
  const EntryPtr entry = environment_.directory().get(user);
  const documents::CompiledRules* const rules = documents_.rules(*entry);
  const auto rule = target.find("if");
  const auto changed = rule ? change(rules, watcher, *rule) : Result<documents::Rules>(documents::Rules{});
  if (!changed) return done(make_response(changed.error() == documents::Errc::bad_value ? 400 : 409));
  const documents::CompiledRules compiled(changed->rules);
  const Now now = environment_.clock().now();
  done(show(watcher, watches_.preview(*entry, watcher, rule ? &compiled : rules, now)));
}

}  // namespace beckon::server::presence
