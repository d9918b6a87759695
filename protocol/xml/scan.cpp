#include "protocol/xml/scan.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "protocol/base/text.hpp"

namespace beckon::xml {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// Everything outside ASCII is taken as a name character: XML 1.0 (5th edition) allows nearly all of it.
constexpr std::uint8_t starts_name = 1;
constexpr std::uint8_t in_name = 2;
constexpr auto name_table = [] {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    const char c = static_cast<char>(i);
    const bool start = is_alpha(c) || c == '_' || i >= 0x80;
    if (start) table[i] |= starts_name;
    if (start || is_digit(c) || c == '-' || c == '.') table[i] |= in_name;
  }
  return table;
}();
bool is_name_start(char c) { return (name_table[static_cast<unsigned char>(c)] & starts_name) != 0; }
bool is_name_char(char c) { return (name_table[static_cast<unsigned char>(c)] & in_name) != 0; }

/// The characters of XML 1.0 2.2, as far as a reference can name them.
bool is_xml_char(std::uint32_t code) {
  if (code < 0x20) return code == '\t' || code == '\n' || code == '\r';
  return code < 0xD800 || (code > 0xDFFF && code < 0xFFFE) || (code >= 0x10000 && code <= 0x10FFFF);
}

/// Control characters, U+FFFE and U+FFFF; `text` is UTF-8.
bool has_forbidden_character(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    if (octet < 0x20 && !is_space(text[i])) return true;
    if (octet == 0xEF && text.substr(i, 2) == "\xEF\xBF" &&
        (static_cast<unsigned char>(text[i + 2]) & 0xFE) == 0xBE) {
      return true;
    }
  }
  return false;
}

/// ASCII without control characters other than white space: most documents, and quick to see.
bool is_plain(std::string_view text) {
  unsigned odd = 0;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    odd |= static_cast<unsigned>(octet >= 0x80) |
           (static_cast<unsigned>(octet < 0x20) & static_cast<unsigned>(!is_space(c)));
  }
  return odd == 0;
}

/// Walks the text once, with a stack of its own. Functions named `scan_` leave `at_` after what they read
/// and return what is wrong, if anything.
class Scanner {
 public:
  using Fault = std::optional<Errc>;

  Scanner(std::string_view text, const Limits& limits) : text_(text), limits_(limits) {
    open_.reserve(std::min<std::size_t>(limits.depth, 64));
    outline_.elements.reserve(std::min<std::size_t>(text.size() / 24 + 1, limits.nodes));
  }

  Result<Outline> run() {
    if (const Fault fault = scan_document()) return *fault;
    return std::move(outline_);
  }

 private:
  struct Open {
    std::string_view name;
    std::size_t index;
  };

  Fault scan_document() {
    if (text_.starts_with(byte_order_mark)) outline_.start = at_ = byte_order_mark.size();
    if (const Fault fault = scan_declaration()) return fault;
    while (at_ < text_.size()) {
      const Fault fault = text_[at_] == '<' ? scan_markup() : scan_text();
      if (fault) return fault;
    }
    if (!open_.empty()) return Errc::bad_syntax;
    if (outline_.elements.empty()) return Errc::not_one_root;
    return std::nullopt;
  }

  bool looking_at(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  Fault count_node() {
    if (++nodes_ > limits_.nodes) return Errc::too_many_nodes;
    return std::nullopt;
  }

  Fault scan_declaration() {
    if (!looking_at("<?xml") || at_ + 5 >= text_.size() || !is_space(text_[at_ + 5])) return std::nullopt;
    const auto end = text_.find("?>", at_);
    if (end == std::string_view::npos) return Errc::bad_syntax;
    const Fault fault = check_declaration(text_.substr(at_ + 5, end - at_ - 5));
    at_ = end + 2;
    return fault;
  }

  /// version="1.x", then encoding and standalone if they are there.
  Fault check_declaration(std::string_view rest) {
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

  Fault scan_markup() {
    if (looking_at("</")) return scan_end_tag();
    if (looking_at("<!--")) return scan_comment();
    if (looking_at("<![CDATA[")) return scan_cdata();
    if (looking_at("<!DOCTYPE")) return Errc::has_doctype;
    if (looking_at("<?")) return scan_instruction();
    return scan_start_tag();
  }

  Fault scan_text() {
    const auto end = std::min(text_.find('<', at_), text_.size());
    const auto run = text_.substr(at_, end - at_);
    at_ = end;
    const bool blank = trim(run).empty();
    if (open_.empty()) return blank ? Fault{} : Errc::not_one_root;
    if (blank) return std::nullopt;
    if (const Fault fault = count_node()) return fault;
    if (run.find("]]>") != std::string_view::npos) return Errc::bad_syntax;
    return check_references(run);
  }

  Fault check_references(std::string_view run) {
    for (auto at = run.find('&'); at != std::string_view::npos; at = run.find('&', at + 1)) {
      const auto end = run.find(';', at);
      if (end == std::string_view::npos) return Errc::bad_entity;
      if (const Fault fault = check_reference(run.substr(at + 1, end - at - 1))) return fault;
    }
    return std::nullopt;
  }

  static Fault check_reference(std::string_view name) {
    for (const std::string_view known : {"amp", "lt", "gt", "quot", "apos"}) {
      if (name == known) return std::nullopt;
    }
    if (!name.starts_with('#')) return Errc::bad_entity;
    const bool hex = name.substr(1).starts_with('x');
    const auto code = parse_number<std::uint32_t>(name.substr(hex ? 2 : 1), hex ? 16 : 10);
    if (!code) return Errc::bad_entity;
    if (!is_xml_char(*code)) return Errc::bad_character;
    return std::nullopt;
  }

  Fault scan_comment() {
    const auto end = text_.find("--", at_ + 4);
    if (end == std::string_view::npos || !text_.substr(end).starts_with("-->")) return Errc::bad_syntax;
    at_ = end + 3;
    return count_node();
  }

  Fault scan_cdata() {
    if (open_.empty()) return Errc::not_one_root;
    const auto end = text_.find("]]>", at_ + 9);
    if (end == std::string_view::npos) return Errc::bad_syntax;
    at_ = end + 3;
    return count_node();
  }

  Fault scan_instruction() {
    at_ += 2;
    const auto name = scan_name();
    if (name.empty() || iequals(name, "xml") || name.find(':') != std::string_view::npos)
      return Errc::bad_syntax;
    const auto end = text_.find("?>", at_);
    if (end == std::string_view::npos || (end != at_ && !is_space(text_[at_]))) return Errc::bad_syntax;
    at_ = end + 2;
    return count_node();
  }

  /// A name with at most one colon inside; empty if there is none.
  std::string_view scan_name() {
    const auto begin = at_;
    if (!scan_ncname()) return {};
    if (at_ < text_.size() && text_[at_] == ':') {
      ++at_;
      if (!scan_ncname()) return {};
    }
    return text_.substr(begin, at_ - begin);
  }

  bool scan_ncname() {
    if (at_ >= text_.size() || !is_name_start(text_[at_])) return false;
    while (++at_ < text_.size() && is_name_char(text_[at_])) {
    }
    return true;
  }

  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  Fault scan_end_tag() {
    at_ += 2;
    const auto name = scan_name();
    skip_space();
    if (name.empty() || !looking_at(">")) return Errc::bad_syntax;
    if (open_.empty() || open_.back().name != name) return Errc::mismatched_tag;
    close(++at_);
    return std::nullopt;
  }

  void close(std::size_t end) {
    outline_.elements[open_.back().index].end = end;
    open_.pop_back();
  }

  Fault scan_start_tag() {
    const auto begin = at_++;
    const auto name = scan_name();
    if (name.empty()) return Errc::bad_syntax;
    if (open_.empty() && !outline_.elements.empty()) return Errc::not_one_root;
    if (open_.size() >= limits_.depth) return Errc::too_deep;
    if (const Fault fault = count_node()) return fault;
    open_.push_back({name, outline_.elements.size()});
    outline_.elements.push_back({begin, begin});
    if (const Fault fault = scan_attributes()) return fault;
    const bool is_empty = looking_at("/>");
    if (!is_empty && !looking_at(">")) return Errc::bad_syntax;
    at_ += is_empty ? 2 : 1;
    if (is_empty) close(at_);
    return std::nullopt;
  }

  Fault scan_attributes() {
    names_.clear();
    while (true) {
      const auto before = at_;
      skip_space();
      if (at_ >= text_.size()) return Errc::bad_syntax;
      if (text_[at_] == '>' || text_[at_] == '/') return std::nullopt;
      if (at_ == before) return Errc::bad_syntax;
      if (const Fault fault = scan_attribute()) return fault;
    }
  }

  Fault scan_attribute() {
    const auto name = scan_name();
    if (name.empty()) return Errc::bad_syntax;
    if (names_.size() >= limits_.attributes) return Errc::too_many_attributes;
    if (std::find(names_.begin(), names_.end(), name) != names_.end()) return Errc::duplicate_attribute;
    names_.push_back(name);
    ++outline_.attributes;
    skip_space();
    if (!looking_at("=")) return Errc::bad_syntax;
    ++at_;
    skip_space();
    if (!looking_at("\"") && !looking_at("'")) return Errc::bad_syntax;
    const auto end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) return Errc::bad_syntax;
    const auto value = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    if (value.find('<') != std::string_view::npos) return Errc::bad_syntax;
    return check_references(value);
  }

  std::string_view text_;
  const Limits& limits_;
  Outline outline_;
  std::vector<Open> open_;
  std::vector<std::string_view> names_;
  std::size_t at_ = 0;
  std::size_t nodes_ = 0;
};

}  // namespace

Result<Outline> scan(std::string_view text, const Limits& limits) {
  if (text.size() > limits.size) return Errc::too_large;
  if (!is_plain(text)) {
    if (!is_utf8(text)) return Errc::not_utf8;
    if (has_forbidden_character(text)) return Errc::bad_character;
  }
  return Scanner(text, limits).run();
}

}  // namespace beckon::xml
