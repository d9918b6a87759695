#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

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
std::optional<Problem> check_pres_rules(const xml::Document& document, const Setting& setting);
std::optional<Problem> check_resource_lists(const xml::Document& document, const Setting& setting);
std::optional<Problem> check_rls_services(const xml::Document& document, const Setting& setting);
std::optional<Problem> check_pidf(const xml::Document& document, const Setting& setting);

/// An element, and the place of the one that it stands in. Its selector is printed only where something is
/// wrong.
struct Position {
  const xml::Element* element;
  const Position* above = nullptr;  ///< Null: `element` is the root.
};

/// `Problem::Exists::field` of an attribute: each element is named by its name and its number among those of
/// that name. Lists in a document of another namespace have the prefix "rl", which the query binds (RFC
/// 4825 6.4).
std::string field_of(const Position& place, std::string_view attribute);

/// The constraints of <list> and all inside it (RFC 4826 3.4.5).
std::optional<Problem> check_list(const Position& list);

}  // namespace beckon::xcap
