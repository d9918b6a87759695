#include "protocol/documents/cpim.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "protocol/base/text.hpp"
#include "protocol/documents/multipart.hpp"

namespace beckon::documents {

namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// NAMECHAR (RFC 3862 3.6).
bool is_name_character(char c) {
  return is_alpha(c) || is_digit(c) || std::string_view("!#$%&'*+-^_`|~").find(c) != std::string_view::npos;
}

bool is_cpim_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_name_character);
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&out](std::uint32_t octet) { out += static_cast<char>(octet); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xe0 | code >> 12);
    } else {
      put(0xf0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3f));
    }
    put(0x80 | (code >> 6 & 0x3f));
  }
  put(0x80 | (code & 0x3f));
}

/// The four digits of "\u00e9" at the front of `text`, which are taken off.
std::optional<std::uint32_t> take_code(std::string_view& text) {
  const auto code = parse_number<std::uint32_t>(text.substr(0, 4), 16);
  if (text.size() < 4 || !code) return std::nullopt;
  text.remove_prefix(4);
  return code;
}

/// What follows "\u": a character of UCS-2, or of two surrogates; half of one is U+FFFD.
void append_code(std::string& out, std::string_view& text) {
  const auto code = take_code(text);
  if (!code) return out.push_back('u');  // unrecognised: the character itself (RFC 3862 2.3.1)
  if (*code < 0xd800 || *code > 0xdfff) return append_utf8(out, *code);
  std::string_view rest = text;
  if (*code < 0xdc00 && rest.starts_with("\\u")) {
    rest.remove_prefix(2);
    const auto low = take_code(rest);
    if (low && *low >= 0xdc00 && *low <= 0xdfff) {
      text = rest;
      return append_utf8(out, 0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00));
    }
  }
  append_utf8(out, 0xfffd);
}

/// RFC 3862 2.3
std::string unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c != '\\') {
      out += c;
    } else if (!text.empty()) {
      const char escaped = text.front();
      text.remove_prefix(1);
      constexpr std::string_view letters = "btnr", meanings = "\b\t\n\r";
      const auto at = letters.find(escaped);
      if (escaped == 'u')
        append_code(out, text);
      else
        out += at == std::string_view::npos ? escaped : meanings[at];
    }
  }
  return out;
}

std::string value_of_header(std::string_view text) { return std::string(trim(unescape(text))); }

/// Within quotation marks those are escaped, too.
void append_cpim_escaped(std::string& out, std::string_view text, bool quoted = false) {
  constexpr std::string_view meanings = "\b\t\n\r", letters = "btnr", digits = "0123456789abcdef";
  for (const char c : text) {
    if (c == '\\' || (quoted && c == '"')) {
      out.append({'\\', c});
    } else if (const auto at = meanings.find(c); at != std::string_view::npos) {
      out.append({'\\', letters[at]});
    } else if (is_control(c)) {
      out.append("\\u00").append({digits[static_cast<unsigned char>(c) >> 4], digits[c & 0xf]});
    } else {
      out += c;
    }
  }
}

bool is_uri(std::string_view text) {
  const auto colon = text.find(':');
  return colon != std::string_view::npos && colon > 0 && std::ranges::none_of(text, [](char c) {
           return is_control(c) || std::string_view(" <>\"\\").find(c) != std::string_view::npos;
         });
}

/// Where the String at the front of `text` is closed; past its end where it is not.
std::size_t end_of_string(std::string_view text) {
  std::size_t at = 1;
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return at;
}

/// The octets of a String up to its end: `"Bob \"the\" builder"`.
std::size_t size_of_string(std::string_view text) { return std::min(end_of_string(text) + 1, text.size()); }

std::optional<CpimAddress> read_address(std::string_view text) {
  text = trim(text);
  CpimAddress address;
  if (text.starts_with('"')) {
    const std::size_t end = size_of_string(text);
    std::string_view quoted = text.substr(1, end - 1);
    if (quoted.ends_with('"')) quoted.remove_suffix(1);
    address.name = value_of_header(quoted);
    text = trim(text.substr(end));
  }
  const auto open = text.find('<');
  if (open == std::string_view::npos) {
    address.uri = text;
  } else {
    if (address.name.empty()) address.name = value_of_header(text.substr(0, open));
    text.remove_prefix(open + 1);
    address.uri = trim(text.substr(0, text.find('>')));
  }
  return is_uri(address.uri) ? std::optional(std::move(address)) : std::nullopt;
}

/// `Winnie the Pooh <im:...>`; `"Mr. Sanders"<im:...>` where the name is not all tokens (RFC 3862 3.6).
std::string print_address(const CpimAddress& address) {
  const auto is_token = [](char c) {
    return is_name_character(c) || c == '.' || static_cast<unsigned char>(c) >= 0x80;
  };
  const std::string& name = address.name;
  bool is_plain = !name.empty() && name.front() != ' ' && name.back() != ' ';
  for (std::size_t i = 0; i < name.size() && is_plain; ++i)
    is_plain = is_token(name[i]) || (name[i] == ' ' && name[i - 1] != ' ');
  std::string out;
  if (is_plain) {
    out = name + ' ';
  } else if (!name.empty()) {
    out = '"';
    append_cpim_escaped(out, name, /*quoted=*/true);
    out += '"';
  }
  return out + '<' + address.uri + '>';
}

struct DispositionRow {
  std::string_view word;
  bool Dispositions::* flag;
};
constexpr std::array disposition_rows = {
    DispositionRow{"positive-delivery", &Dispositions::positive_delivery},
    DispositionRow{"negative-delivery", &Dispositions::negative_delivery},
    DispositionRow{"processing", &Dispositions::processing},
    DispositionRow{"display", &Dispositions::display}};

Dispositions read_dispositions(std::string_view value) {
  Dispositions wanted;
  for (const auto each : split(value, ',')) {
    const auto word = trim(cut(each, ';').first);
    for (const auto& row : disposition_rows)
      if (word == row.word) wanted.*row.flag = true;
  }
  return wanted;
}

std::string print_dispositions(const Dispositions& wanted) {
  std::string out;
  for (const auto& row : disposition_rows)
    if (wanted.*row.flag) out.append(out.empty() ? "" : ", ").append(row.word);
  return out;
}

bool is_message_id(std::string_view text) {
  return text.size() <= cpim_message_id_max &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

/// Cuts a line off, without its end.
std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

class CpimReader {
 public:
  Result<Cpim> read(std::string_view body) {
    bool ended = false;
    while (!body.empty()) {
      std::string_view rest = body;
      const std::string_view line = take_line(rest);
      // COMPAT: RFC 5438's examples have no empty line before the content.
      if (begins_content(line)) ended = true;
      if (ended) break;
      body = rest;
      if (trim(line).empty()) {
        ended = true;
        break;
      }
      if (++lines_ > cpim_headers_max) return Errc::too_many_parts;
      if (const auto error = read_line(line)) return *error;
    }
    if (!ended || (lines_ > 0 && !has_header_)) return Errc::bad_structure;
    if (const auto error = read_content(body)) return *error;
    return std::move(cpim_);
  }

 private:
  static bool begins_content(std::string_view line) {
    constexpr std::string_view beginning = "content-";
    const auto name = trim(cut(line, ':').first);
    return name.size() < line.size() && iequals(name.substr(0, beginning.size()), beginning);
  }

  std::optional<Errc> read_line(std::string_view line) {
    if (!is_utf8(line)) return Errc::bad_value;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    Cpim::Header header;
    if (!resolve(trim(line.substr(0, colon)), header)) return std::nullopt;
    has_header_ = true;
    std::string_view value = line.substr(colon + 1);
    header.parameters = take_parameters(value);
    return take(std::move(header), trim(value));
  }

  /// The expanded name of "imdn.Message-ID"; false: a name that is none, or its prefix is not declared.
  bool resolve(std::string_view written, Cpim::Header& header) const {
    const auto dot = written.find('.');
    const auto prefix = dot == std::string_view::npos ? std::string_view() : written.substr(0, dot);
    const auto name = dot == std::string_view::npos ? written : written.substr(dot + 1);
    if (!is_cpim_name(name) || (dot != std::string_view::npos && prefix.empty())) return false;
    const auto found =
        std::ranges::find_if(bindings_, [&](const auto& binding) { return binding.first == prefix; });
    if (found == bindings_.end()) return false;
    header.ns = found->second;
    header.name = name;
    return true;
  }

  /// ";lang=fr" at the front of `value`, up to a blank outside of quotation marks.
  static std::string take_parameters(std::string_view& value) {
    if (!value.starts_with(';')) return {};
    std::size_t at = 0;
    bool is_open = false;  // a quotation mark that is never closed
    while (at < value.size() && value[at] != ' ') {
      const auto rest = value.substr(at);
      is_open = rest.front() == '"' && end_of_string(rest) >= rest.size();
      at += rest.front() == '"' ? size_of_string(rest) : std::size_t{1};
    }
    const auto parameters = value.substr(0, at);
    value.remove_prefix(at);
    if (is_open || std::ranges::any_of(parameters, is_control)) return {};
    return std::string(parameters);
  }

  std::optional<Errc> take(Cpim::Header header, std::string_view value) {
    if (header.ns == imdn_header_ns) return take_imdn(std::move(header), value);
    if (header.ns != cpim_ns) return keep(std::move(header), value);
    if (header.name == "From") return take_one(cpim_.from, value);
    if (header.name == "To") return take_address(cpim_.to, value);
    if (header.name == "cc") return take_address(cpim_.cc, value);
    if (header.name == "DateTime") {
      if (cpim_.date_time.empty()) cpim_.date_time = value_of_header(value);
      return std::nullopt;
    }
    if (header.name == "NS") return declare(value);
    if (header.name == "Require") return require(value);
    return keep(std::move(header), value);
  }

  std::optional<Errc> take_imdn(Cpim::Header header, std::string_view value) {
    if (header.name == "Message-ID") {
      if (!is_message_id(value)) return Errc::bad_value;
      if (cpim_.message_id.empty()) cpim_.message_id = value;
      return std::nullopt;
    }
    if (header.name == "Disposition-Notification") {
      cpim_.wanted = read_dispositions(value);
      return std::nullopt;
    }
    if (header.name == "Original-To") return take_one(cpim_.original_to, value);
    if (header.name == "IMDN-Record-Route") return take_address(cpim_.record_route, value);
    if (header.name == "IMDN-Route") return take_address(cpim_.route, value);
    return keep(std::move(header), value);
  }

  std::optional<Errc> keep(Cpim::Header header, std::string_view value) {
    // Written without prefix it would begin the content.
    if (header.ns == cpim_ns && begins_content(header.name + ':')) return std::nullopt;
    header.value = value_of_header(value);
    cpim_.others.push_back(std::move(header));
    return std::nullopt;
  }

  static std::optional<Errc> take_one(CpimAddress& to, std::string_view value) {
    if (auto address = read_address(value); address && to.uri.empty()) to = std::move(*address);
    return std::nullopt;
  }

  static std::optional<Errc> take_address(std::vector<CpimAddress>& to, std::string_view value) {
    if (auto address = read_address(value)) to.push_back(std::move(*address));
    return std::nullopt;
  }

  /// "imdn <urn:ietf:params:imdn>", or "<urn:...>" for names without prefix (RFC 3862 4.6).
  std::optional<Errc> declare(std::string_view value) {
    const auto open = value.find('<');
    if (open == std::string_view::npos || !value.ends_with('>')) return std::nullopt;
    const auto prefix = trim(value.substr(0, open));
    const auto uri = value.substr(open + 1, value.size() - open - 2);
    if (!is_uri(uri) || (!prefix.empty() && !is_cpim_name(prefix))) return std::nullopt;
    const auto found =
        std::ranges::find_if(bindings_, [&](const auto& binding) { return binding.first == prefix; });
    if (found != bindings_.end())
      found->second = uri;
    else
      bindings_.emplace_back(prefix, uri);
    return std::nullopt;
  }

  std::optional<Errc> require(std::string_view value) {
    for (const auto each : split(value, ',')) {
      if (each.empty()) continue;
      if (cpim_.required.size() == cpim_headers_max) return Errc::too_many_parts;
      Cpim::Header required;
      if (!resolve(each, required)) return Errc::bad_value;
      cpim_.required.push_back(std::move(required));
    }
    return std::nullopt;
  }

  std::optional<ErrorCode> read_content(std::string_view text) {
    const auto part = parse_entity(text);
    if (part.has_error()) return part.error();
    auto octets = documents::content(*part);
    if (octets.has_error()) return octets.error();
    cpim_.content = std::move(*octets);
    cpim_.content_type = part->content_type();
    cpim_.content_disposition = part->header("Content-Disposition");
    for (const auto& [name, value] : part->headers) {
      if (std::ranges::none_of(content_names, [&](std::string_view known) { return iequals(name, known); }))
        cpim_.content_headers.emplace_back(name, value);
    }
    return std::nullopt;
  }

  /// What has its own member, and what is not true any more. The length is that of the transport.
  static constexpr std::array<std::string_view, 4> content_names = {
      "Content-Type", "Content-Disposition", "Content-Transfer-Encoding", "Content-Length"};

  std::vector<std::pair<std::string, std::string>> bindings_{
      {"", std::string(cpim_ns)},
      // COMPAT: RFC 5438 6.1 wants it declared; not every sender does.
      {"imdn", std::string(imdn_header_ns)}};
  Cpim cpim_;
  std::size_t lines_ = 0;
  bool has_header_ = false;
};

/// Writes headers, and declares their namespaces before.
class CpimWriter {
 public:
  void line(std::string_view name, std::string_view value) {
    out_.append(name).append(": ").append(value) += "\r\n";
  }

  void address(std::string_view name, const CpimAddress& address) {
    if (!address.uri.empty()) line(name, print_address(address));
  }

  /// The name as it is written: "Subject", "imdn.Message-ID", "x1.Wacky".
  std::string name_of(const Cpim::Header& header) {
    if (header.ns == cpim_ns) return header.name;
    auto found = std::ranges::find(bindings_, header.ns);
    if (found == bindings_.end()) {
      bindings_.push_back(header.ns);
      found = bindings_.end() - 1;
      line("NS", prefix(found) + " <" + header.ns + '>');
    }
    return prefix(found) + '.' + header.name;
  }
  std::string imdn(std::string_view name) {
    return name_of({.ns = std::string(imdn_header_ns), .name = std::string(name)});
  }

  void header(const Cpim::Header& header) {
    const std::string name = name_of(header);
    out_.append(name).append(":").append(header.parameters) += ' ';
    append_cpim_escaped(out_, header.value);
    out_ += "\r\n";
  }

  std::string finish(const Cpim& cpim) && {
    out_ += "\r\n";
    line("Content-Type", cpim.content_type);
    if (!cpim.content_disposition.empty()) line("Content-Disposition", cpim.content_disposition);
    for (const auto& [name, value] : cpim.content_headers) line(name, value);
    out_ += "\r\n";
    return std::move(out_ += cpim.content);
  }

 private:
  std::string prefix(std::vector<std::string>::const_iterator binding) const {
    return *binding == imdn_header_ns ? "imdn" : "x" + std::to_string(binding - bindings_.begin());
  }

  std::string out_;
  std::vector<std::string> bindings_;
};

constexpr std::array<std::pair<std::string_view, std::string_view>, 12> known_names = {{
    {cpim_ns, "From"},
    {cpim_ns, "To"},
    {cpim_ns, "cc"},
    {cpim_ns, "DateTime"},
    {cpim_ns, "Subject"},
    {cpim_ns, "NS"},
    {cpim_ns, "Require"},
    {imdn_header_ns, "Message-ID"},
    {imdn_header_ns, "Disposition-Notification"},
    {imdn_header_ns, "Original-To"},
    {imdn_header_ns, "IMDN-Record-Route"},
    {imdn_header_ns, "IMDN-Route"},
}};

}  // namespace

std::string_view Cpim::subject() const {
  const auto found = std::ranges::find_if(
      others, [](const Header& each) { return each.ns == cpim_ns && each.name == "Subject"; });
  return found == others.end() ? std::string_view() : found->value;
}

const Cpim::Header* find_unknown_requirement(const Cpim& cpim) {
  const auto found = std::ranges::find_if(cpim.required, [](const Cpim::Header& each) {
    return std::ranges::find(known_names, std::pair<std::string_view, std::string_view>(
                                              each.ns, each.name)) == known_names.end();
  });
  return found == cpim.required.end() ? nullptr : &*found;
}

Result<Cpim> parse_cpim(std::string_view body) { return CpimReader().read(body); }

std::string print(const Cpim& cpim) {
  CpimWriter writer;
  writer.address("From", cpim.from);
  for (const auto& each : cpim.to) writer.address("To", each);
  for (const auto& each : cpim.cc) writer.address("cc", each);
  if (!cpim.date_time.empty())
    writer.header({.ns = std::string(cpim_ns), .name = "DateTime", .value = cpim.date_time});
  if (!cpim.message_id.empty()) writer.line(writer.imdn("Message-ID"), cpim.message_id);
  if (cpim.wanted.any())
    writer.line(writer.imdn("Disposition-Notification"), print_dispositions(cpim.wanted));
  if (!cpim.original_to.uri.empty()) writer.address(writer.imdn("Original-To"), cpim.original_to);
  for (const auto& each : cpim.record_route) writer.address(writer.imdn("IMDN-Record-Route"), each);
  for (const auto& each : cpim.route) writer.address(writer.imdn("IMDN-Route"), each);
  std::string required;
  for (const auto& each : cpim.required)
    required.append(required.empty() ? "" : ", ").append(writer.name_of(each));
  if (!required.empty()) writer.line("Require", required);
  for (const auto& each : cpim.others) writer.header(each);
  return std::move(writer).finish(cpim);
}

}  // namespace beckon::documents
