#include "protocol/xcap/schema.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include "protocol/base/text.hpp"
#include "protocol/documents/pres_rules.hpp"
#include "protocol/documents/schema_types.hpp"
#include "protocol/ds1/ticket.hpp"
#include "protocol/xcap/node.hpp"

namespace beckon::xcap::schema {

namespace {

using xml::Element;
using Fault = std::optional<std::string>;

constexpr std::string_view xsi_ns = "http://www.w3.org/2001/XMLSchema-instance";
constexpr std::string_view schema_space = " \t\r\n";

/// White space at the ends does not count in most simple types of XML schema.
std::string_view collapse(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(schema_space), text.size()));
  return text.substr(0, text.find_last_not_of(schema_space) + 1);
}

/// The patterns of RFC 3863 4.4 on a decimal: "0.5", "1.000". Their "." is any character, which in a decimal
/// is a digit, too.
bool is_qvalue(std::string_view text) {
  if (text == "0" || text == "1") return true;
  if (text.size() < 2 || text.size() > 5 || (text[1] != '.' && !is_digit(text[1]))) return false;
  const auto digits = text.substr(2);
  if (text[0] == '1') return digits.find_first_not_of('0') == digits.npos;
  return text[0] == '0' && std::ranges::all_of(digits, is_digit);
}

/// Is there white space directly inside, which counts as text where a schema has nothing? Comments do not.
bool has_space(const Element& element) {
  auto inside = element.source().substr(start_tag_of(element).size());
  if (inside == "/>") return false;
  inside = inside.substr(1, inside.rfind("</") - 1);
  while (inside.starts_with("<!--") || inside.starts_with("<?")) {
    const std::string_view end = inside[1] == '?' ? "?>" : "-->";
    inside.remove_prefix(inside.find(end) + end.size());
  }
  return !inside.empty() && !inside.starts_with('<');
}

/// Reads a model against the letters of the children, from left to right.
class Matcher {
 public:
  Matcher(std::string_view model, std::string_view letters) : model_(model), letters_(letters) {}

  /// The number of letters that fit; all of them where the model is complete.
  bool matches() {
    while (!model_.empty()) {
      const Item item = take_item(model_);
      if (!take(item)) return false;
    }
    return at_ == letters_.size();
  }
  std::size_t at() const { return at_; }

 private:
  struct Item {
    std::string_view body;  ///< Letters.
    enum class Kind : std::uint8_t { choice, row } kind = Kind::choice;
    std::size_t least = 1, most = 1;
  };

  static Item take_item(std::string_view& model) {
    Item item;
    if (model[0] == '[' || model[0] == '(') {
      item.kind = model[0] == '(' ? Item::Kind::row : Item::Kind::choice;
      const auto end = model.find(model[0] == '(' ? ')' : ']');
      item.body = model.substr(1, end - 1);
      model.remove_prefix(end + 1);
    } else {
      item.body = model.substr(0, 1);
      model.remove_prefix(1);
    }
    const char mark = model.empty() ? '\0' : model[0];
    if (mark == '?' || mark == '*') item.least = 0;
    if (mark == '*' || mark == '+') item.most = std::string_view::npos;
    if (mark == '?' || mark == '*' || mark == '+') model.remove_prefix(1);
    return item;
  }

  bool take(const Item& item) {
    std::size_t count = 0;
    while (count < item.most && begins(item)) {
      if (item.kind == Item::Kind::choice) {
        ++at_;
      } else {
        for (std::string_view row = item.body; !row.empty();)
          if (!take(take_item(row))) return false;
      }
      ++count;
    }
    return count >= item.least;
  }

  /// Rows begin with a letter.
  bool begins(const Item& item) const {
    if (at_ == letters_.size()) return false;
    return item.kind == Item::Kind::choice ? item.body.find(letters_[at_]) != item.body.npos
                                           : item.body[0] == letters_[at_];
  }

  std::string_view model_;
  std::string_view letters_;
  std::size_t at_ = 0;
};

/// Checks one document. The depth of its recursion is that of the document, which the parser limits.
class Checker {
 public:
  explicit Checker(const Schemas& schemas) : schemas_(schemas) {}

  Fault check(const Element& element, const Type& type) {
    if (auto fault = check_attributes(element, type)) return fault;
    if (type.text != Value::none) return check_text(element, type.text);
    const bool is_empty = type.model.empty() && type.or_model.empty();
    if (!collapse(element.text()).empty() || (is_empty && has_space(element)))
      return "<" + std::string(element.name()) + "> has text";
    return check_children(element, type);
  }

 private:
  Fault check_text(const Element& element, Value kind) {
    if (!element.children().empty()) return in(element.children().front(), element);
    if (!is_value(kind, element.text()))
      return "<" + std::string(element.name()) + "> has a value that is none of its type";
    return std::nullopt;
  }

  Fault check_children(const Element& element, const Type& type) {
    std::string letters;
    for (const Element& child : element.children()) letters += letter_of(child, type);
    Matcher matcher(type.model, letters);
    if (!matcher.matches() && (type.or_model.empty() || !Matcher(type.or_model, letters).matches())) {
      if (matcher.at() == letters.size()) return "<" + std::string(element.name()) + "> lacks an element";
      const auto odd = std::next(element.children().begin(), static_cast<std::ptrdiff_t>(matcher.at()));
      return in(*odd, element);
    }
    auto letter = letters.cbegin();
    for (const Element& child : element.children()) {
      const auto known = std::ranges::find(type.children, *letter++, &Child::letter);
      auto fault = known == type.children.end() ? check_other(child) : check(child, *known->type);
      if (fault) return fault;
    }
    return std::nullopt;
  }

  static char letter_of(const Element& child, const Type& parent) {
    constexpr char unknown = '!';
    if (child.ns().empty()) return unknown;
    if (child.ns() != parent.ns) return 'o';
    const auto found = std::ranges::find(parent.children, child.name(), &Child::name);
    return found == parent.children.end() ? unknown : found->letter;
  }

  /// Where a schema allows what others define: checked as far as that is known.
  Fault check_other(const Element& element) {
    const auto found = std::ranges::find_if(
        schemas_.globals, [&](const Global& global) { return element.is(global.ns, global.name); });
    if (found != schemas_.globals.end()) return check(element, *found->type);
    if (is_known(element.ns()))
      return "<" + std::string(element.name()) + "> is not in the schema of its namespace";
    for (const auto& attribute : element.attributes())
      if (auto fault = check_global(element, attribute)) return fault;
    for (const Element& child : element.children())
      if (auto fault = check_other(child)) return fault;
    return std::nullopt;
  }

  Fault check_attributes(const Element& element, const Type& type) {
    for (const auto& attribute : element.attributes()) {
      const auto* allowed = find(type.attributes, attribute);
      Fault fault;
      if (allowed != nullptr) {
        fault = check_value(element, attribute, allowed->value);
      } else if (attribute.ns() == xsi_ns) {
        fault = check_instance(element, attribute);
      } else if (type.has_other_attributes && !attribute.ns().empty() && attribute.ns() != type.ns) {
        fault = check_global(element, attribute);
      } else {
        fault = wrong(element, attribute, "is not allowed");
      }
      if (fault) return fault;
    }
    for (const Attribute& allowed : type.attributes)
      if (allowed.is_required && !element.attribute(allowed.name, allowed.ns))
        return "<" + std::string(element.name()) + "> lacks the attribute " + std::string(allowed.name);
    return std::nullopt;
  }

  Fault check_global(const Element& element, const xml::Attribute& attribute) {
    if (const auto* allowed = find(schemas_.attributes, attribute))
      return check_value(element, attribute, allowed->value);
    if (is_known(attribute.ns())) return wrong(element, attribute, "is not in the schema of its namespace");
    return std::nullopt;
  }

  /// Hints where schemas are do no harm; another type or "nil" is for no element of ours.
  static Fault check_instance(const Element& element, const xml::Attribute& attribute) {
    if (attribute.name() == "schemaLocation" || attribute.name() == "noNamespaceSchemaLocation")
      return std::nullopt;
    return wrong(element, attribute, "is not allowed");
  }

  Fault check_value(const Element& element, const xml::Attribute& attribute, Value kind) {
    if (!is_value(kind, attribute.value()))
      return wrong(element, attribute, "has a value that is none of its type");
    if (kind == Value::id && !ids_.emplace(collapse(attribute.value())).second)
      return wrong(element, attribute, "is not the only one of its value");
    return std::nullopt;
  }

  static const Attribute* find(std::span<const Attribute> rules, const xml::Attribute& attribute) {
    const auto found = std::ranges::find_if(
        rules, [&](const Attribute& allowed) { return attribute.is(allowed.ns, allowed.name); });
    return found == rules.end() ? nullptr : &*found;
  }
  bool is_known(std::string_view ns) const {
    return std::ranges::find(schemas_.namespaces, ns) != schemas_.namespaces.end();
  }
  static std::string in(const Element& child, const Element& parent) {
    return "<" + std::string(child.name()) + "> is not allowed there in <" + std::string(parent.name()) + ">";
  }
  static std::string wrong(const Element& element, const xml::Attribute& attribute, std::string_view how) {
    return "the attribute " + std::string(attribute.name()) + " of <" + std::string(element.name()) + "> " +
           std::string(how);
  }

  const Schemas& schemas_;
  std::set<std::string, std::less<>> ids_;
};

}  // namespace

bool is_value(Value kind, std::string_view text) {
  switch (kind) {
    case Value::none:
      return collapse(text).empty();
    case Value::string:
      return true;
    case Value::boolean: {
      const auto word = collapse(text);
      return word == "true" || word == "false" || word == "1" || word == "0";
    }
    case Value::uri:
      return documents::is_xs_any_uri(collapse(text));
    case Value::date_time:
      return documents::is_xs_date_time(collapse(text));
    case Value::id:
      return documents::is_xs_id(collapse(text));
    case Value::language:
      return text.empty() || documents::is_xs_language(collapse(text));
    case Value::space:
      return collapse(text) == "default" || collapse(text) == "preserve";
    case Value::qvalue:
      return is_qvalue(collapse(text));
    case Value::basic:
      return text == "open" || text == "closed";
    case Value::sub_handling:
      return documents::parse_sub_handling(collapse(text)).has_value();
    case Value::user_input:
      return text == "false" || text == "bare" || text == "thresholds" || text == "full";
    case Value::provide_direct:
      return ds1::to_string(ds1::parse_mode(collapse(text))) == collapse(text);
  }
  return false;
}

std::optional<std::string> check(const Schemas& schemas, const xml::Element& root, std::string_view ns,
                                 std::string_view name) {
  if (!root.is(ns, name)) return "the root element is not <" + std::string(name) + ">";
  const auto found = std::ranges::find_if(
      schemas.globals, [&](const Global& global) { return root.is(global.ns, global.name); });
  if (found == schemas.globals.end()) return "there is no schema for <" + std::string(name) + ">";
  return Checker(schemas).check(root, *found->type);
}

}  // namespace beckon::xcap::schema
