#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/xcap/schema.hpp"
#include "protocol/xcap/usage.hpp"

/// The application usages that users write, one file each: what `usage.cpp` puts in its table.
namespace beckon::xcap {

namespace schema {
/// The types of root elements.
extern const Type ruleset, resource_lists, rls_services, presence;
/// <list> of RFC 4826 3, which <service> has, too.
extern const Type list;
/// What the rules of RFC 5025 7 add to those of RFC 4745.
std::span<const Global> pres_rules_globals();
}  // namespace schema

// The checks of a document that its schema takes: uniqueness and other constraints of the usage.
std::optional<Problem> check_pres_rules(const xml::Document& document, std::string_view text,
                                        const Setting& setting);
std::optional<Problem> check_resource_lists(const xml::Document& document, std::string_view text,
                                            const Setting& setting);
std::optional<Problem> check_rls_services(const xml::Document& document, std::string_view text,
                                          const Setting& setting);
std::optional<Problem> check_pidf(const xml::Document& document, std::string_view text,
                                  const Setting& setting);

/// The constraints of <list> and all inside it (RFC 4826 3.4.5). `path` is the list's node selector; what
/// stands inside it has `prefix` before its name there ("rl:"), which `query` binds.
std::optional<Problem> check_list(const xml::Element& list, const std::string& path, std::string_view prefix,
                                  std::string_view query);

/// Node selectors of elements that stand beside each other: each is named by its name and its place among
/// those of that name.
class Places {
 public:
  Places(std::string parent, std::string_view prefix) : parent_(std::move(parent)), prefix_(prefix) {}
  /// Of the next child; "" where it is of no interest.
  std::string next(const xml::Element& child);

 private:
  std::string parent_;
  std::string_view prefix_;
  std::map<std::string_view, std::size_t> counts_;
};

}  // namespace beckon::xcap
