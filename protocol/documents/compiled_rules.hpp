#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/documents/pres_rules.hpp"

namespace beckon::documents {

/// The rules of a user, made ready for many questions: what they say of one watcher is found without a look
/// at the rules for others. Made once for each version of the rules.
class CompiledRules {
 public:
  CompiledRules() = default;
  explicit CompiledRules(std::vector<Rule> rules);

  /// As they stand in the documents.
  const std::vector<Rule>& rules() const { return rules_; }
  /// The same as `documents::decide` says.
  Decision decide(const Asker& asker) const;
  /// Some ask for the sphere of the presentity,
  bool ask_for_sphere() const { return ask_for_sphere_; }
  /// or who lets the presentity see.
  bool ask_for_reciprocity() const { return ask_for_reciprocity_; }

 private:
  using Place = std::uint32_t;  ///< In `rules_`.
  struct Named {
    std::string user;  ///< See `key_of`.
    Place rule;
  };
  struct Many {
    std::string domain;                       ///< Lower case; empty: any.
    std::vector<std::string> users, domains;  ///< Excepted, sorted, likewise.
    Place rule;
  };
  static std::string key_of(std::string_view uri);
  static bool matches(const Many& many, const std::string& user, const std::string& domain);

  std::vector<Rule> rules_;
  std::vector<Named> named_;  ///< Sorted.
  std::vector<Many> manys_;
  std::vector<Place> everyones_;  ///< Those without identity condition.
  bool ask_for_sphere_ = false, ask_for_reciprocity_ = false;
};

}  // namespace beckon::documents
