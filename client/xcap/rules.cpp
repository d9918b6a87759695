#include "client/xcap/rules.hpp"

#include <utility>

#include "protocol/base/text.hpp"

namespace beckon::client::xcap {

namespace {

Result<documents::Rules> parse(const std::string& text) {
  return text.empty() ? Result<documents::Rules>(documents::Rules{}) : documents::parse_pres_rules(text);
}

boost::system::result<std::string, Editor::Refusal> change_rule(
    const std::string& text, const std::string& who, const std::optional<documents::Verdict>& verdict) {
  auto rules = parse(text);
  if (!rules) return Editor::Refusal{500, "the rules cannot be read: " + rules.error().message()};
  const std::string before = documents::print(*rules);
  const bool is_domain = who.find('@') == std::string::npos;
  const std::string_view domain = domain_of_aor(who);
  if (!verdict) {
    is_domain ? documents::forget_domain(*rules, domain) : documents::forget_watcher(*rules, who);
  } else if (const auto done = is_domain ? documents::set_domain(*rules, domain, *verdict)
                                         : documents::set_watcher(*rules, who, *verdict);
             !done) {
    return Editor::Refusal{409, done.error().message()};
  }
  std::string after = documents::print(*rules);
  return after == before ? text : after;
}

}  // namespace

Rules::Rules(const account::Account& account, std::string_view root, Http& http, Random& random)
    : editor_(account,
              {.path = Requester::path_of(account, "pres-rules", root),
               .content_type = std::string(documents::pres_rules_type),
               .name = "the rules"},
              http, random) {}

void Rules::set(std::string who, std::optional<documents::Verdict> verdict, Done done) {
  editor_.edit(
      [who = std::move(who), verdict](const std::string& text) { return change_rule(text, who, verdict); },
      std::move(done));
}

void Rules::read(Requester::Read<documents::Rules> done) {
  editor_.read(
      [done = std::move(done)](int status, const std::string& reason, const std::string& text, Now now) {
        if (status != 200) return done(status, reason, {}, now);
        const auto rules = parse(text);
        if (!rules) return done(500, "the rules cannot be read: " + rules.error().message(), {}, now);
        done(200, {}, *rules, now);
      });
}

}  // namespace beckon::client::xcap
