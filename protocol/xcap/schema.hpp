#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "protocol/xml/document.hpp"

/// XML schemas of application usages as tables, and the one check of a document against them (RFC 4825
/// 8.2.5). Only what the schemas of RFC 3863, 4745, 4826 and 5025 use.
namespace beckon::xcap::schema {

/// What a text or the value of an attribute may be.
enum class Value : std::uint8_t {
  none,  ///< There is none: the element has elements only, or nothing.
  string,
  boolean,
  uri,             ///< xs:anyURI
  date_time,       ///< xs:dateTime
  id,              ///< xs:ID, which no other of the document is.
  language,        ///< xml:lang
  space,           ///< xml:space
  qvalue,          ///< RFC 3863 4.4
  basic,           ///< RFC 3863 4.4
  sub_handling,    ///< RFC 5025 7
  user_input,      ///< RFC 5025 7
  provide_direct,  ///< The mode of a direct session.
};

struct Attribute {
  std::string_view name;
  Value value = Value::string;
  bool is_required = false;
  std::string_view ns{};
};

struct Type;

/// An element that another one may have, and the letter that stands for it in models.
struct Child {
  char letter;
  std::string_view name;
  const Type* type;
};

/// What an element may have inside. A model is a row of items, each with "?", "*", "+" or nothing behind it:
/// a letter; "[abc]", one of them; "(ab)", a row of letters with such marks of their own. "o" is an element
/// of another namespace. Models are such that the first item that fits is the right one.
struct Type {
  std::string_view ns{};  ///< Of its children.
  std::span<const Child> children{};
  std::string_view model{};
  std::string_view or_model{};  ///< Taken in its place where it fits.
  std::span<const Attribute> attributes{};
  bool has_other_attributes = false;  ///< Of any namespace but `ns` and none.
  Value text = Value::none;
};

/// An element that may be the root, or stand where a model has "o".
struct Global {
  std::string_view ns, name;
  const Type* type;
};

/// A set of schemas. Of the namespaces it names, only what is declared may stand in a document (RFC 4825
/// 8.2.5); of others everything may.
struct Schemas {
  std::span<const Global> globals;
  std::span<const Attribute> attributes;  ///< Global ones.
  std::span<const std::string_view> namespaces;
};

/// Why `root` is not as the schemas say, for people; nullopt: it is. It must be `ns`:`name`.
std::optional<std::string> check(const Schemas& schemas, const xml::Element& root, std::string_view ns,
                                 std::string_view name);

/// Is the text of that kind? `id` is only looked at, not compared.
bool is_value(Value kind, std::string_view text);

}  // namespace beckon::xcap::schema
