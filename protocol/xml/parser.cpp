#include <algorithm>
#include <array>
#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <cstring>

#include "protocol/base/text.hpp"
#include "protocol/xml/document.hpp"
#include "protocol/xml/reference.hpp"

namespace beckon::xml {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

/// What an octet may be; a set of these.
constexpr std::uint8_t starts_name = 1;
constexpr std::uint8_t in_name = 2;
constexpr std::uint8_t space = 4;
constexpr std::uint8_t in_value = 8;  ///< Of an attribute: what neither ends it nor needs a look.

/// Everything outside ASCII is taken as a name character: XML 1.0 (5th edition) allows nearly all of it.
constexpr auto classes = [] {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    const char c = static_cast<char>(i);
    const bool start = is_alpha(c) || c == '_' || i >= 0x80;
    if (start) table[i] |= starts_name;
    if (start || is_digit(c) || c == '-' || c == '.') table[i] |= in_name;
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') table[i] |= space;
    if (c != '<' && c != '&' && c != '"' && c != '\'' && c != '\0') table[i] |= in_value;
  }
  return table;
}();

bool is(std::uint8_t what, char c) { return (classes[static_cast<unsigned char>(c)] & what) != 0; }

/// The first octet from `at` on that is not `what`. A NUL is none of the classes.
const char* skip(std::uint8_t what, const char* at) {
  while (is(what, *at)) ++at;
  return at;
}

/// Control characters, U+FFFE and U+FFFF; `text` is UTF-8.
bool has_forbidden_character(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    if (octet < 0x20 && !is(space, text[i])) return true;
    if (octet == 0xEF && text.substr(i, 2) == "\xEF\xBF" &&
        (static_cast<unsigned char>(text[i + 2]) & 0xFE) == 0xBE) {
      return true;
    }
  }
  return false;
}

bool is_plain(char c) { return is(space, c) || (c >= 0x20 && static_cast<unsigned char>(c) < 0x80); }

/// ASCII without control characters other than white space: most documents, and quick to see.
bool is_plain(std::string_view text) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  while (text.size() >= sizeof(std::uint64_t)) {
    std::uint64_t octets = 0;
    std::memcpy(&octets, text.data(), sizeof octets);
    // The high bit of an octet is set where it is above 0x7F, or below 0x20 (or above 0x7F again).
    const bool is_odd = ((octets | (octets - 0x20 * ones)) & 0x80 * ones) != 0;
    const auto eight = text.substr(0, sizeof octets);
    if (is_odd && !std::all_of(eight.begin(), eight.end(), [](char c) { return is_plain(c); })) return false;
    text.remove_prefix(sizeof octets);
  }
  return std::all_of(text.begin(), text.end(), [](char c) { return is_plain(c); });
}

}  // namespace

/// Reads a text once, with a stack of its own, and builds the tree. Functions named `read_` leave `at_` after
/// what they read and return what is wrong, if anything.
class Parser {
 public:
  using Arena = std::pmr::monotonic_buffer_resource;

  /// `text` is followed by a NUL, contains none, and lies in `arena`.
  Parser(std::string_view text, const Limits& limits, Arena& arena)
      : at_(text.data()), end_(text.data() + text.size()), limits_(limits), arena_(arena) {}

  Fault read_document() {
    if (looking_at(byte_order_mark)) at_ += byte_order_mark.size();
    if (const Fault fault = read_declaration()) return fault;
    while (at_ != end_) {
      if (const Fault fault = *at_ == '<' ? read_markup() : read_text()) return fault;
    }
    if (!open_.empty()) return Errc::bad_syntax;
    if (root_ == nullptr) return Errc::not_one_root;
    return std::nullopt;
  }

  const Element& root() const { return *root_; }

 private:
  struct Name {
    std::string_view whole;
    std::string_view prefix;
    std::string_view local;
  };
  /// An element whose end tag has not come yet.
  struct Open {
    Element* element;
    std::string_view name;  ///< With its prefix.
    Element* last_child;
    std::size_t texts;  ///< The size of `texts_` at the start tag.
  };

  std::string_view ahead() const { return {at_, end_}; }
  bool looking_at(std::string_view what) const { return ahead().starts_with(what); }
  void skip_space() { at_ = skip(space, at_); }
  Fault count_node() {
    if (++nodes_ > limits_.nodes) return Errc::too_many_nodes;
    return std::nullopt;
  }

  template <class T>
  T* make() {
    return new (arena_.allocate(sizeof(T), alignof(T))) T();
  }

  Fault read_declaration() {
    if (!looking_at("<?xml") || !is(space, at_[5])) return std::nullopt;
    const auto end = ahead().find("?>");
    if (end == std::string_view::npos) return Errc::bad_syntax;
    const Fault fault = check_declaration(ahead().substr(5, end - 5));
    at_ += end + 2;
    return fault;
  }

  /// version="1.x", then encoding and standalone if they are there.
  static Fault check_declaration(std::string_view rest) {
    bool first = true;
    for (rest = trim(rest); !rest.empty(); rest = trim(rest)) {
      const auto equals = rest.find('=');
      if (equals == std::string_view::npos) return Errc::bad_syntax;
      const auto name = trim(rest.substr(0, equals));
      rest = trim(rest.substr(equals + 1));
      if (rest.empty() || (rest[0] != '"' && rest[0] != '\'')) return Errc::bad_syntax;
      const auto end = rest.find(rest[0], 1);
      if (end == std::string_view::npos) return Errc::bad_syntax;
      const auto value = rest.substr(1, end - 1);
      if (first != (name == "version")) return Errc::bad_syntax;
      if (name == "version" && !value.starts_with("1.")) return Errc::bad_syntax;
      if (name == "encoding" && !iequals(value, "UTF-8") && !iequals(value, "US-ASCII"))
        return Errc::not_utf8;
      if (name != "version" && name != "encoding" && name != "standalone") return Errc::bad_syntax;
      first = false;
      rest.remove_prefix(end + 1);
    }
    if (first) return Errc::bad_syntax;
    return std::nullopt;
  }

  Fault read_markup() {
    if (at_[1] == '/') return read_end_tag();
    if (at_[1] == '?') return read_instruction();
    if (at_[1] != '!') return read_start_tag();
    if (looking_at("<!--")) return read_comment();
    if (looking_at("<![CDATA[")) return read_cdata();
    return looking_at("<!DOCTYPE") ? Errc::has_doctype : Errc::bad_syntax;
  }

  Fault read_text() {
    const char* const begin = at_;
    skip_space();
    if (*at_ == '<' || at_ == end_) return std::nullopt;
    if (open_.empty()) return Errc::not_one_root;
    if (const Fault fault = count_node()) return fault;
    const std::string_view all(begin, end_);
    auto text = all.substr(0, all.find('<'));
    at_ = begin + text.size();
    if (text.find("]]>") != std::string_view::npos) return Errc::bad_syntax;
    if (text.find('&') != std::string_view::npos) {
      if (const Fault fault = decode(text)) return fault;
    }
    texts_.push_back(text);
    return std::nullopt;
  }

  /// Resolves the references. The result is not longer than the text.
  Fault decode(std::string_view& text) {
    char* const out = static_cast<char*>(arena_.allocate(text.size(), 1));
    char* to = out;
    std::string_view rest = text;
    for (;;) {
      const auto before = rest.substr(0, rest.find('&'));
      std::memcpy(to, before.data(), before.size());
      to += before.size();
      rest.remove_prefix(before.size());
      if (rest.empty()) break;
      const auto end = rest.find(';');
      if (end == std::string_view::npos) return Errc::bad_entity;
      std::uint32_t code = 0;
      if (const Fault fault = resolve_reference(rest.substr(1, end - 1), code)) return fault;
      to = put_utf8(to, code);
      rest.remove_prefix(end + 1);
    }
    text = {out, to};
    return std::nullopt;
  }

  Fault read_comment() {
    const auto end = ahead().find("--", 4);
    if (end == std::string_view::npos || at_[end + 2] != '>') return Errc::bad_syntax;
    at_ += end + 3;
    return count_node();
  }

  Fault read_cdata() {
    constexpr std::size_t begin = 9;
    if (open_.empty()) return Errc::not_one_root;
    const auto end = ahead().find("]]>", begin);
    if (end == std::string_view::npos) return Errc::bad_syntax;
    texts_.push_back(ahead().substr(begin, end - begin));
    at_ += end + 3;
    return count_node();
  }

  Fault read_instruction() {
    at_ += 2;
    const auto name = read_name().whole;
    if (name.empty() || iequals(name, "xml") || name.find(':') != std::string_view::npos)
      return Errc::bad_syntax;
    const auto end = ahead().find("?>");
    if (end == std::string_view::npos || (end != 0 && !is(space, *at_))) return Errc::bad_syntax;
    at_ += end + 2;
    return count_node();
  }

  /// A name with at most one colon inside; empty if there is none.
  Name read_name() {
    const char* const begin = at_;
    if (!read_ncname()) return {};
    if (*at_ != ':') return {{begin, at_}, {}, {begin, at_}};
    const char* const colon = at_++;
    if (!read_ncname()) return {};
    return {{begin, at_}, {begin, colon}, {colon + 1, at_}};
  }

  bool read_ncname() {
    if (!is(starts_name, *at_)) return false;
    at_ = skip(in_name, at_ + 1);
    return true;
  }

  Fault read_end_tag() {
    at_ += 2;
    const auto name = read_name().whole;
    skip_space();
    if (name.empty() || *at_ != '>') return Errc::bad_syntax;
    ++at_;
    if (open_.empty() || open_.back().name != name) return Errc::mismatched_tag;
    Element& element = *open_.back().element;
    element.text_ = take_texts(open_.back().texts);
    open_.pop_back();
    finish(element);
    return std::nullopt;
  }

  /// The texts from `first` on, joined.
  std::string_view take_texts(std::size_t first) {
    if (texts_.size() == first) return {};
    std::string_view joined = texts_[first];
    if (texts_.size() > first + 1) {
      std::size_t size = 0;
      for (std::size_t i = first; i < texts_.size(); ++i) size += texts_[i].size();
      char* const out = static_cast<char*>(arena_.allocate(size, 1));
      char* to = out;
      for (std::size_t i = first; i < texts_.size(); ++i)
        to = std::copy(texts_[i].begin(), texts_[i].end(), to);
      joined = {out, to};
    }
    texts_.resize(first);
    return joined;
  }

  /// The element's end has been read, and it is no longer open.
  void finish(Element& element) {
    element.source_ = {element.source_.data(), at_};
    if (!open_.empty()) open_.back().element->uses_default_ns_ |= element.uses_default_ns_;
  }

  Fault read_start_tag() {
    const char* const begin = at_++;
    const Name name = read_name();
    if (name.whole.empty()) return Errc::bad_syntax;
    if (open_.empty() && root_ != nullptr) return Errc::not_one_root;
    if (open_.size() >= limits_.depth) return Errc::too_deep;
    if (const Fault fault = count_node()) return fault;
    Element& element = *make<Element>();
    link(element);
    element.source_ = {begin, at_};
    element.name_ = name.local;
    element.uses_default_ns_ = name.prefix.empty();
    if (const Fault fault = read_attributes(element)) return fault;
    if (const Fault fault = resolve(element, name.prefix)) return fault;
    const bool is_empty = *at_ == '/';
    if (is_empty) ++at_;
    if (*at_ != '>') return Errc::bad_syntax;
    ++at_;
    if (is_empty) {
      finish(element);
    } else {
      open_.push_back({&element, name.whole, nullptr, texts_.size()});
    }
    return std::nullopt;
  }

  void link(Element& element) {
    if (open_.empty()) {
      root_ = &element;
      return;
    }
    Open& parent = open_.back();
    (parent.last_child ? parent.last_child->next_ : parent.element->first_child_) = &element;
    parent.last_child = &element;
    element.scope_ = parent.element->scope_;
  }

  Fault read_attributes(Element& element) {
    names_.clear();
    Attribute** next = &element.first_attribute_;
    for (;;) {
      const char* const before = at_;
      skip_space();
      if (*at_ == '>' || *at_ == '/') return std::nullopt;
      if (at_ == before) return Errc::bad_syntax;
      const Name name = read_name();
      if (name.whole.empty()) return Errc::bad_syntax;
      if (names_.size() >= limits_.attributes) return Errc::too_many_attributes;
      if (std::find(names_.begin(), names_.end(), name.whole) != names_.end())
        return Errc::duplicate_attribute;
      names_.push_back(name.whole);
      std::string_view source, value;
      if (const Fault fault = read_value(source, value)) return fault;
      if (name.whole == "xmlns" || name.prefix == "xmlns") {
        const auto prefix = name.prefix.empty() ? std::string_view{} : name.local;
        if (const Fault fault = declare(element, prefix, value)) return fault;
        continue;
      }
      Attribute& attribute = *make<Attribute>();
      attribute.ns_ = name.prefix;  // until the whole tag is read
      attribute.name_ = name.local;
      attribute.value_ = value;
      attribute.source_ = source;
      *next = &attribute;
      next = &attribute.next_;
    }
  }

  Fault read_value(std::string_view& source, std::string_view& value) {
    skip_space();
    if (*at_ != '=') return Errc::bad_syntax;
    ++at_;
    skip_space();
    const char quote = *at_;
    if (quote != '"' && quote != '\'') return Errc::bad_syntax;
    const char* const begin = ++at_;
    bool has_references = false;
    for (;; ++at_) {
      at_ = skip(in_value, at_);
      if (*at_ == quote) break;
      if (*at_ == '<' || at_ == end_) return Errc::bad_syntax;
      has_references |= *at_ == '&';
    }
    source = value = {begin, at_};
    ++at_;
    return has_references ? decode(value) : std::nullopt;
  }

  Fault declare(Element& element, std::string_view prefix, std::string_view ns) {
    // Namespaces in XML 1.0, 3: a prefix cannot be unbound, "xmlns" cannot be bound.
    if (prefix == "xmlns" || (!prefix.empty() && ns.empty())) return Errc::unbound_prefix;
    if ((prefix == "xml") != (ns == xml_ns)) return Errc::unbound_prefix;
    if (prefix == "xml") return std::nullopt;
    if (ns.size() > limits_.namespace_name) return Errc::long_namespace;
    const std::size_t depth = element.scope_ == nullptr ? 1 : element.scope_->depth + 1;
    if (depth > limits_.bindings) return Errc::too_many_bindings;
    Binding& binding = *make<Binding>();
    binding = {prefix, ns, &element, element.scope_, depth};
    element.scope_ = &binding;
    return std::nullopt;
  }

  /// Puts namespaces in the place of prefixes, once all declarations of the start tag are known.
  Fault resolve(Element& element, std::string_view prefix) {
    if (const Fault fault = find_ns(element.scope_, prefix, element.ns_)) return fault;
    for (Attribute* a = element.first_attribute_; a != nullptr; a = a->next_) {
      // An attribute without prefix is in no namespace, whatever the default namespace is.
      if (a->ns_.empty()) continue;
      if (const Fault fault = find_ns(element.scope_, a->ns_, a->ns_)) return fault;
      for (const Attribute* other = element.first_attribute_; other != a; other = other->next_) {
        if (other->is(a->ns_, a->name_)) return Errc::duplicate_attribute;
      }
    }
    return std::nullopt;
  }

  static Fault find_ns(const Binding* scope, std::string_view prefix, std::string_view& ns) {
    if (const auto* binding = find_binding(scope, prefix)) {
      ns = binding->ns;
    } else if (prefix == "xml") {
      ns = xml_ns;
    } else if (!prefix.empty()) {
      return Errc::unbound_prefix;
    }
    return std::nullopt;
  }

  const char* at_;
  const char* const end_;
  const Limits& limits_;
  Arena& arena_;
  Element* root_ = nullptr;
  boost::container::small_vector<Open, 16> open_;
  boost::container::small_vector<std::string_view, 16> names_;  ///< Of the attributes of one start tag.
  boost::container::small_vector<std::string_view, 16> texts_;  ///< Of the open elements.
  std::size_t nodes_ = 0;
};

Result<Document> parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.size) return Errc::too_large;
  if (!is_plain(text)) {
    if (!is_utf8(text)) return Errc::not_utf8;
    if (has_forbidden_character(text)) return Errc::bad_character;
  }
  // Room for the text and the tree of most documents. The arena grows by itself.
  constexpr std::size_t tree = 16 << 10;
  auto arena = std::make_unique<Document::Arena>(text.size() + std::min(tree, 512 + 3 * text.size()));
  char* const copy = static_cast<char*>(arena->allocate(text.size() + 1, 1));
  *std::copy(text.begin(), text.end(), copy) = '\0';
  Parser parser({copy, text.size()}, limits, *arena);
  if (const Fault fault = parser.read_document()) return *fault;
  return Document(std::move(arena), parser.root());
}

}  // namespace beckon::xml
