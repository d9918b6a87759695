#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/base/time.hpp"
#include "protocol/documents/error.hpp"
#include "protocol/ds1/ticket.hpp"
#include "protocol/xml/document.hpp"

/// Presence authorization rules: RFC 5025 on the frame of RFC 4745, with <provide-direct>
/// (DIRECT_SESSIONS 3.4) and the condition <reciprocal>.
namespace beckon::documents {

inline constexpr std::string_view pres_rules_type = "application/auth-policy+xml";

/// RFC 5025 3.2.1; the larger value wins.
enum class SubHandling : std::uint8_t { block = 0, confirm = 10, polite_block = 20, allow = 30 };
const char* to_string(SubHandling handling);
std::optional<SubHandling> parse_sub_handling(std::string_view text);

/// The watchers a rule is for (RFC 4745 7.1). Matches if one of `ones` or one of `manys` does.
struct Identity {
  /// All authenticated users of a domain (or of any), without the excepted.
  struct Many {
    std::string domain;  ///< Empty: any.
    std::vector<std::string> except_ids;
    std::vector<std::string> except_domains;
    bool operator==(const Many&) const = default;
  };
  std::vector<std::string> ones;
  std::vector<Many> manys;
  bool operator==(const Identity&) const = default;
};

struct Validity {
  WallTime from;
  WallTime until;
  bool operator==(const Validity&) const = default;
};

/// All that are present must hold (RFC 4745 7).
struct Conditions {
  std::optional<Identity> identity;
  std::optional<std::vector<Validity>> validity;  ///< One of the intervals must hold.
  std::vector<std::string> spheres;               ///< RFC 4745 7.2; empty: no condition.
  /// <reciprocal> of our own: it holds for those who let the owner of the rules see them.
  bool reciprocal = false;
  bool unknown = false;  ///< A condition we do not know: it never holds.
  bool operator==(const Conditions&) const = default;
};

/// Which tuples, persons or devices may be seen (RFC 5025 3.3.1). Selectors are {local name, value}:
/// {"class", "x"}, {"occurrence-id", "t1"}, {"service-uri", ...}, {"service-uri-scheme", ...}, {"deviceID",
/// ...}.
struct ProvideSet {
  bool all = false;
  std::set<std::pair<std::string, std::string>> selectors;
  bool operator==(const ProvideSet&) const = default;
};

/// What a rule lets through (RFC 5025 3.3). Sets of two rules unite.
struct Transformations {
  ProvideSet services;
  ProvideSet persons;
  ProvideSet devices;
  bool all_attributes = false;
  std::set<std::string> attributes;  ///< Granted "activities", "note", "mood", ...: provide-X set to true.
  std::set<std::pair<std::string, std::string>> unknown_attributes;  ///< {namespace, local name}
  std::string user_input;  ///< "" (not said), "false", "bare", "thresholds", "full", in rising order.
  ds1::Mode direct = ds1::Mode::off;
  bool operator==(const Transformations&) const = default;
};

struct Rule {
  std::string id;
  Conditions conditions;
  std::optional<SubHandling> handling;
  Transformations transformations;
  xml::Fragment source;  ///< The rule as written; printed as it is.
};

/// A rule document. Without rules: as if there were no document.
struct Rules {
  std::vector<Rule> rules;
  std::vector<xml::Fragment> extensions;  ///< Other children of <ruleset>.
};

/// Errors: those of xml::parse, Errc::wrong_root, Errc::missing_attribute (an id, a sphere's value),
/// Errc::bad_value (sub-handling, provide-direct, provide-user-input, times), Errc::bad_structure (validity
/// not in pairs), Errc::duplicate_id.
Result<Rules> parse_pres_rules(std::string_view body, const xml::Limits& limits = {});
/// Of a document that is read already.
Result<Rules> read_pres_rules(const xml::Element& root);
/// One <rule>; errors as above.
Result<Rule> parse_rule(const xml::Element& element);
std::string print(const Rules& rules);

/// Do an id of a rule and an identity name the same user? The user part compares with case, scheme and
/// host without; different schemes are different users (RFC 5025 3.1.1.2).
bool same_user(std::string_view id, std::string_view aor);
bool matches(const Identity::Many& many, std::string_view aor);

/// The watcher, and the time.
struct Asker {
  std::string_view aor;  ///< Authenticated identity, "sip:bob@example.org".
  WallTime now{};
  std::string_view sphere{};  ///< The presentity's; empty: unknown, sphere conditions do not hold.
  bool lets_see = false;      ///< The presentity may see the watcher.
};

/// Do all conditions hold? One we do not know never does.
bool matches(const Conditions& conditions, const Asker& asker);
/// Do all but the one for the watcher's identity?
bool holds_apart_from_identity(const Conditions& conditions, const Asker& asker);

/// What the rules say together. Two watchers with equal decisions may share one document.
struct Decision {
  std::optional<SubHandling> handling;  ///< Nullopt: no rule covers this watcher.
  Transformations transformations;      ///< Of all rules that match; `direct` is off unless allowed.
  bool operator==(const Decision&) const = default;
};

/// What becomes of rules that all match: handling and direct mode by maximum, permissions by union (RFC 4745
/// 10). A rule counts once, however often it is added.
class Combination {
 public:
  void add(const Rule& rule);
  Decision finish() &&;

 private:
  Decision decision_;
};

/// Combines all matching rules. `CompiledRules` says the same sooner.
Decision decide(const Rules& rules, const Asker& asker);

/// What a user decides about one watcher.
struct Verdict {
  SubHandling handling = SubHandling::allow;
  ds1::Mode direct = ds1::Mode::off;  ///< Only with `allow`.
};

/// Makes `verdict` the decision for `aor`: a rule of its own, the id removed from all others, and an
/// exception for it in those that match it through <many>. Other rules are kept. Fails with
/// Errc::rule_in_the_way, without a change, where a rule for everyone would still override the verdict.
Result<void> set_watcher(Rules& rules, std::string_view aor, Verdict verdict);
/// Forgets the decision: removes the id from all rules. Exceptions stay, so forgetting permits nothing.
void forget_watcher(Rules& rules, std::string_view aor);

/// The same for everybody of a domain. Whoever has a rule of its own keeps what that says: the rule of the
/// domain excepts those whom it would give more.
Result<void> set_domain(Rules& rules, std::string_view domain, Verdict verdict);
void forget_domain(Rules& rules, std::string_view domain);

}  // namespace beckon::documents
