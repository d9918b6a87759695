#include "protocol/sip/header_value.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "protocol/base/address.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"
#include "protocol/sip/header_table.hpp"

namespace beckon::sip {

using grammar::Class;

namespace {

using Read = Result<HeaderValue>;

bool is_text(std::string_view text) {
  const auto control = [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  };
  return std::none_of(text.begin(), text.end(), control) && is_utf8(text);
}

bool is_token_or_quoted(std::string_view text) { return grammar::is_token(text) || grammar::is_quoted(text); }

bool is_media_range(std::string_view text) {
  const auto [type, subtype] = cut(text, '/');
  const auto left = trim(type), right = trim(subtype);
  return grammar::is_token(left) && grammar::is_token(right) && (left != "*" || right == "*");
}

bool is_media_type(std::string_view text) {
  return is_media_range(text) && text.find('*') == std::string_view::npos;
}

/// 1*8ALPHA *( "-" 1*8ALPHA ); COMPAT: digits in the later subtags, as RFC 5646 has them ("es-419").
bool is_language(std::string_view text) {
  bool first = true;
  while (true) {
    const auto dash = text.find('-');
    const auto tag = text.substr(0, dash);
    const auto fits = [first](char c) { return is_alpha(c) || (!first && is_digit(c)); };
    if (tag.empty() || tag.size() > 8 || !std::all_of(tag.begin(), tag.end(), fits)) return false;
    if (dash == std::string_view::npos) return true;
    text.remove_prefix(dash + 1);
    first = false;
  }
}

bool is_language_range(std::string_view text) { return text == "*" || is_language(text); }

/// 1*2DIGIT [ "." 1*10DIGIT ] (RFC 6446 9.2).
bool is_rate(std::string_view text) {
  const auto [whole, fraction] = cut(text, '.');
  if (!grammar::all_digits(whole) || whole.size() > 2) return false;
  return whole.size() == text.size() || (grammar::all_digits(fraction) && fraction.size() <= 10);
}

/// Index after the comment that begins at `at`; npos when it does not end (RFC 3261 25.1).
std::size_t skip_comment(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '(') {
      ++depth;
    } else if (text[at] == ')' && --depth == 0) {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

/// True where each parameter that stands under one of these names fits, and none of them stands twice.
struct Rule {
  std::string_view name;
  bool (*fits)(std::string_view value);  ///< Gets the value as written; empty where there is none.
};

template <std::size_t N>
bool obeys(std::string_view parameters, const std::array<Rule, N>& rules) {
  if (parameters.empty()) return true;
  std::array<bool, N> met{};
  for (std::string_view name, value; grammar::next_parameter(parameters, name, value);) {
    for (std::size_t i = 0; i < N; ++i) {
      if (!iequals(name, rules[i].name)) continue;
      if (met[i] || !rules[i].fits(value)) return false;
      met[i] = true;
    }
  }
  return true;
}

bool is_q(std::string_view value) { return parse_q(value).has_value(); }
bool is_bare(std::string_view value) { return value.empty(); }
bool is_port_or_bare(std::string_view value) {
  return value.empty() || parse_number<std::uint16_t>(value).has_value();
}
bool is_ttl(std::string_view value) {
  return grammar::all_digits(value) && parse_number<std::uint8_t>(value);
}
bool is_address(std::string_view value) { return parse_ip(value).has_value(); }
bool is_reg_id(std::string_view value) {
  const auto id = parse_number<std::uint32_t>(value);
  return id && *id >= 1 && *id <= max_reg_id;
}
/// "<urn:...>" in quotes (RFC 5626 10).
bool is_instance(std::string_view value) {
  return grammar::is_quoted(value) && value.size() > 4 && value[1] == '<' && value[value.size() - 2] == '>';
}
bool is_quoted_uri(std::string_view value) {
  return grammar::is_quoted(value) && parse_uri(grammar::unquote(value)).has_value();
}

constexpr std::array q_rules{Rule{"q", is_q}};
constexpr std::array rate_rules{Rule{"max-rate", is_rate}, Rule{"min-rate", is_rate},
                                Rule{"adaptive-min-rate", is_rate}};
constexpr std::array event_rules{rate_rules[0], rate_rules[1], rate_rules[2], Rule{"id", grammar::is_token}};
constexpr std::array state_rules{rate_rules[0],
                                 rate_rules[1],
                                 rate_rules[2],
                                 Rule{"expires", grammar::all_digits},
                                 Rule{"retry-after", grammar::all_digits},
                                 Rule{"reason", grammar::is_token}};
constexpr std::array tag_rules{Rule{"tag", grammar::is_token}};
constexpr std::array via_rules{Rule{"branch", grammar::is_token}, Rule{"rport", is_port_or_bare},
                               Rule{"ttl", is_ttl}, Rule{"received", is_address}};
constexpr std::array contact_rules{
    Rule{"q", is_q},           Rule{"expires", grammar::all_digits}, Rule{"+sip.instance", is_instance},
    Rule{"reg-id", is_reg_id}, Rule{"pub-gruu", is_quoted_uri},      Rule{"temp-gruu", is_quoted_uri}};
constexpr std::array item_rules{Rule{"handling", grammar::is_token}, Rule{"require", is_bare}};
constexpr std::array session_rules{
    Rule{"refresher", [](std::string_view value) { return iequals(value, "uac") || iequals(value, "uas"); }}};
constexpr std::array reason_rules{Rule{"cause", grammar::all_digits}, Rule{"text", grammar::is_quoted}};
constexpr std::array retry_rules{Rule{"duration", grammar::all_digits}};
constexpr std::array preference_rules{Rule{"require", is_bare}, Rule{"explicit", is_bare}};

/// Cuts a value in front of its parameters; nullopt where these are malformed.
std::optional<Item> take_item(std::string_view text) {
  const auto at = grammar::find_outside(text, ";");
  const Item item{trim(text.substr(0, at)), trim(text.substr(at))};
  if (!grammar::valid_parameters(item.parameters)) return std::nullopt;
  return item;
}

/// Calls `take(piece)` with each trimmed value of a comma list until one fails. An empty value is a failure,
/// but for a whole list that may be empty.
template <class Take>
bool each_value(std::string_view list, Stands stands, Take take) {
  list = trim(list);
  if (list.empty()) return stands == Stands::list_or_empty;
  if (list.back() == ',') return false;
  for (std::string_view piece; grammar::next_piece(list, ',', piece);) {
    piece = trim(piece);
    if (piece.empty() || !take(piece)) return false;
  }
  return true;
}

template <class Fits>
Read read_items(std::string_view text, Stands stands, Fits fits) {
  std::vector<Item> items;
  const bool good = each_value(text, stands, [&](std::string_view piece) {
    const auto item = take_item(piece);
    if (!item || !fits(*item)) return false;
    items.push_back(*item);
    return true;
  });
  if (!good) return Errc::bad_value;
  return HeaderValue(std::move(items));
}

template <class Fits>
Read read_words(std::string_view text, Stands stands, Fits fits) {
  return read_items(text, stands,
                    [&](const Item& item) { return item.parameters.empty() && fits(item.value); });
}

template <class Fits>
Read read_item(std::string_view text, Fits fits) {
  const auto item = take_item(text);
  if (!item || !fits(*item)) return Errc::bad_value;
  return HeaderValue(*item);
}

template <bool (*is_value)(std::string_view), const auto& rules>
constexpr auto fits = [](const Item& item) { return is_value(item.value) && obeys(item.parameters, rules); };

Read read_text(std::string_view text) {
  if (!is_text(text)) return Errc::bad_value;
  return HeaderValue(text);
}

Read read_word(std::string_view text, bool good) {
  if (!good) return Errc::bad_value;
  return HeaderValue(text);
}

/// Index after a token at the front of `text`.
std::size_t token_end(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && grammar::is(text[end], Class::token)) ++end;
  return end;
}

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  while (at < text.size() && is_blank(text[at])) ++at;
  return at;
}

/// product = token [SLASH token], with blanks around the slash. Its size; 0 where there is none.
/// COMPAT: pjsua writes more than one slash ("Linux-6.1/x86_64/glibc-2.36").
std::size_t product_end(std::string_view text) {
  auto end = token_end(text);
  if (end == 0) return 0;
  while (true) {
    auto at = skip_blanks(text, end);
    if (at == text.size() || text[at] != '/') return end;
    at = skip_blanks(text, at + 1);
    const auto version = token_end(text.substr(at));
    if (version == 0) return 0;
    end = at + version;
  }
}

Read read_products(std::string_view text) {
  std::vector<Item> products;
  while (!text.empty()) {
    const auto end = text.front() == '(' ? skip_comment(text, 0) : product_end(text);
    if (end == 0 || end == std::string_view::npos) return Errc::bad_value;
    products.push_back({text.substr(0, end), {}});
    text.remove_prefix(end);
    // COMPAT: "Name/1.0(comment)": RFC 3261 25.1 wants a blank there.
    if (!text.empty() && !is_blank(text.front()) && text.front() != '(') return Errc::bad_value;
    text = trim(text);
  }
  if (products.empty()) return Errc::bad_value;
  return HeaderValue(std::move(products));
}

Read read_semicolon_tokens(std::string_view text) {
  std::vector<Item> items;
  if (text.empty() || text.back() == ';') return Errc::bad_value;
  for (std::string_view piece; grammar::next_piece(text, ';', piece);) {
    piece = trim(piece);
    if (!grammar::is_token(piece)) return Errc::bad_value;
    items.push_back({piece, {}});
  }
  return HeaderValue(std::move(items));
}

bool is_disposition(std::string_view text) {
  static constexpr std::array<std::string_view, 12> names{"proxy",    "redirect",   "cancel",  "no-cancel",
                                                          "fork",     "no-fork",    "recurse", "no-recurse",
                                                          "parallel", "sequential", "queue",   "no-queue"};
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) { return iequals(name, text); });
}

/// Call-IDs hold quotes and brackets, so commas are looked for without regard to those.
Read read_call_ids(std::string_view text) {
  std::vector<Item> items;
  for (std::string_view rest = text;;) {
    const auto comma = rest.find(',');
    const auto id = trim(rest.substr(0, comma));
    if (!grammar::is_call_id(id)) return Errc::bad_value;
    items.push_back({id, {}});
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return HeaderValue(std::move(items));
}

Read read_number(std::string_view text, std::uint32_t least, std::uint32_t most) {
  const auto value = grammar::all_digits(text) ? parse_number<std::uint32_t>(text) : std::nullopt;
  if (!value || *value < least || *value > most) return Errc::bad_value;
  return HeaderValue(Number{*value, {}});
}

Read read_seconds(std::string_view text) {
  const auto value = parse_delta_seconds(text);
  if (!value) return Errc::bad_value;
  return HeaderValue(Number{*value, {}});
}

Read read_session(std::string_view text) {
  const auto item = take_item(text);
  const auto value = item ? parse_delta_seconds(item->value) : std::nullopt;
  if (!value || !obeys(item->parameters, session_rules)) return Errc::bad_value;
  return HeaderValue(Number{*value, item->parameters});
}

Read read_retry_after(std::string_view text) {
  RetryAfter out;
  const auto digits = std::find_if_not(text.begin(), text.end(), is_digit) - text.begin();
  const auto end = static_cast<std::size_t>(digits);
  const auto seconds = parse_delta_seconds(text.substr(0, end));
  if (!seconds) return Errc::bad_value;
  out.seconds = *seconds;
  text = trim(text.substr(end));
  if (!text.empty() && text.front() == '(') {
    const auto close = skip_comment(text, 0);
    if (close == std::string_view::npos) return Errc::bad_value;
    out.comment = text.substr(1, close - 2);
    text = trim(text.substr(close));
  }
  if (!is_text(out.comment) || !grammar::valid_parameters(text) || !obeys(text, retry_rules))
    return Errc::bad_value;
  out.parameters = text;
  if (const auto duration = find_parameter(text, "duration")) out.duration = parse_delta_seconds(*duration);
  return HeaderValue(out);
}

/// *(DIGIT) [ "." *(DIGIT) ]
bool is_fraction(std::string_view text) {
  const auto [whole, fraction] = cut(text, '.');
  return std::all_of(whole.begin(), whole.end(), is_digit) &&
         std::all_of(fraction.begin(), fraction.end(), is_digit);
}

Read read_timestamp(std::string_view text) {
  const auto blank = text.find_first_of(" \t");
  const Timestamp out{text.substr(0, blank),
                      blank == std::string_view::npos ? std::string_view{} : trim(text.substr(blank))};
  const bool starts = !out.value.empty() && is_digit(out.value.front());
  if (!starts || !is_fraction(out.value) || !is_fraction(out.delay)) return Errc::bad_value;
  return HeaderValue(out);
}

bool is_version(std::string_view text) {
  const auto [major_text, minor_text] = cut(text, '.');
  return grammar::all_digits(major_text) && grammar::all_digits(minor_text);
}

Read read_date(std::string_view text) {
  const auto date = parse_date(text);
  if (!date) return date.error();
  return HeaderValue(*date);
}

bool has_values(std::string_view parameters) {
  for (std::string_view name, value; grammar::next_parameter(parameters, name, value);) {
    if (value.empty()) return false;
  }
  return true;
}

/// Parameters without a value in front of them.
bool are_parameters(std::string_view text) {
  return !text.empty() && text.front() != ';' && grammar::valid_parameters(std::string(";").append(text));
}

Read read_parameter_lists(std::string_view text, Stands stands) {
  std::vector<Item> items;
  const bool good = each_value(text, stands, [&](std::string_view piece) {
    items.push_back({piece, {}});
    return are_parameters(piece);
  });
  if (!good) return Errc::bad_value;
  return HeaderValue(std::move(items));
}

Read read_charging(std::string_view text) {
  const auto id = find_parameter(text.substr(0, text.find(';')), "icid-value");
  if (!are_parameters(text) || !id || id->empty()) return Errc::bad_value;
  return HeaderValue(Item{text, {}});
}

Read read_links(std::string_view text, Stands stands) {
  std::vector<Item> items;
  const bool good = each_value(text, stands, [&](std::string_view piece) {
    auto item = take_item(piece);
    if (!item || item->value.size() < 3 || item->value.front() != '<' || item->value.back() != '>')
      return false;
    item->value = item->value.substr(1, item->value.size() - 2);
    if (!parse_uri(item->value)) return false;
    items.push_back(*item);
    return true;
  });
  if (!good) return Errc::bad_value;
  return HeaderValue(std::move(items));
}

/// hostport / pseudonym: a token, or that with a port, or a bracketed address.
bool is_warn_agent(std::string_view text) {
  if (grammar::is_token(text)) return true;
  const auto colon = text.rfind(':');
  if (text.starts_with("[")) {
    const auto close = text.find(']');
    if (close == std::string_view::npos || !parse_ip(text.substr(0, close + 1))) return false;
    return close + 1 == text.size() ||
           (close + 1 == colon && parse_number<std::uint16_t>(text.substr(colon + 1)));
  }
  return colon != std::string_view::npos && grammar::is_token(text.substr(0, colon)) &&
         parse_number<std::uint16_t>(text.substr(colon + 1));
}

bool take_warning(std::string_view text, Warning& out) {
  if (text.size() < 3 || !grammar::all_digits(text.substr(0, 3))) return false;
  out.code = *parse_number<std::uint16_t>(text.substr(0, 3));
  text.remove_prefix(3);
  if (text.empty() || !is_blank(text.front())) return false;
  text = trim(text);
  const auto blank = text.find_first_of(" \t");
  if (blank == std::string_view::npos) return false;
  out.agent = text.substr(0, blank);
  out.text = trim(text.substr(blank));
  return is_warn_agent(out.agent) && grammar::is_quoted(out.text);
}

Read read_warnings(std::string_view text, Stands stands) {
  std::vector<Warning> warnings;
  const bool good = each_value(
      text, stands, [&](std::string_view piece) { return take_warning(piece, warnings.emplace_back()); });
  if (!good) return Errc::bad_value;
  return HeaderValue(std::move(warnings));
}

/// callid *(SEMI param) with exactly one of each of the two tags.
Read read_dialog(std::string_view text, std::string_view one, std::string_view other) {
  const auto semicolon = std::min(text.find(';'), text.size());
  const Item item{trim(text.substr(0, semicolon)), trim(text.substr(semicolon))};
  if (!grammar::is_call_id(item.value) || !grammar::valid_parameters(item.parameters)) return Errc::bad_value;
  unsigned ones = 0, others = 0;
  auto rest = item.parameters;
  for (std::string_view name, value; grammar::next_parameter(rest, name, value);) {
    const bool is_one = iequals(name, one), is_other = iequals(name, other);
    ones += is_one ? 1 : 0;
    others += is_other ? 1 : 0;
    if ((is_one || is_other) && !grammar::is_token(value)) return Errc::bad_value;
    if (iequals(name, "early-only") && !value.empty()) return Errc::bad_value;
  }
  if (ones != 1 || others != 1) return Errc::bad_value;
  return HeaderValue(item);
}

bool is_preference(const Item& item) {
  return item.value == "*" && obeys(item.parameters, preference_rules) &&
         parse_features(item.parameters).has_value();
}

Read read_cseq(std::string_view text) {
  auto cseq = parse_cseq(text);
  if (!cseq) return cseq.error();
  return HeaderValue(std::move(*cseq));
}

/// Takes the word in front of the next blanks off the front of `text`.
std::string_view take_word(std::string_view& text) {
  const auto end = std::min(text.find_first_of(" \t"), text.size());
  const auto word = text.substr(0, end);
  text = trim(text.substr(end));
  return word;
}

Read read_rack(std::string_view text) {
  const auto response = parse_number<std::uint32_t>(take_word(text));
  const auto cseq = parse_number<std::uint32_t>(take_word(text));
  if (!response || *response == 0 || !cseq || *cseq > grammar::max_cseq || !grammar::is_token(text))
    return Errc::bad_value;
  return HeaderValue(RAck{*response, *cseq, text});
}

/// COMPAT: an unquoted value may hold any visible character that is no separator.
bool is_auth_value(std::string_view text) {
  if (text.empty()) return false;
  return text.front() == '"' ? grammar::is_quoted(text) : grammar::all(text, Class::value);
}

bool take_auth_parameter(std::string_view piece, AuthValue& out) {
  const auto equal = piece.find('=');
  if (equal == std::string_view::npos) return false;
  const Item parameter{trim(piece.substr(0, equal)), trim(piece.substr(equal + 1))};
  out.parameters.push_back(parameter);
  return grammar::is_token(parameter.value) && is_auth_value(parameter.parameters);
}

Read read_auth_info(std::string_view text) {
  AuthValue out;
  const bool good =
      each_value(text, Stands::list, [&](std::string_view piece) { return take_auth_parameter(piece, out); });
  if (!good) return Errc::bad_value;
  return HeaderValue(std::move(out));
}

/// 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=" (RFC 7235 2.1).
bool is_token68(std::string_view text) {
  const auto last = text.find_last_not_of('=');
  if (last == std::string_view::npos) return false;
  const auto fits = [](char c) {
    return is_alpha(c) || is_digit(c) || std::string_view("-._~+/").find(c) != std::string_view::npos;
  };
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(last + 1), fits);
}

Read read_challenge(std::string_view text) {
  AuthValue out;
  out.scheme = take_word(text);
  if (!grammar::is_token(out.scheme) || text.empty()) return Errc::bad_value;
  if (!iequals(out.scheme, "Digest") && is_token68(text)) {
    out.token68 = text;
    return HeaderValue(std::move(out));
  }
  const bool good =
      each_value(text, Stands::list, [&](std::string_view piece) { return take_auth_parameter(piece, out); });
  if (!good) return Errc::bad_value;
  return HeaderValue(std::move(out));
}

Read read_vias(std::string_view text, Stands stands) {
  std::vector<Via> vias;
  const bool good = each_value(text, stands, [&](std::string_view piece) {
    auto via = parse_via(piece);
    if (!via || !obeys(via->parameters, via_rules)) return false;
    vias.push_back(std::move(*via));
    return true;
  });
  if (!good) return Errc::bad_value;
  return HeaderValue(std::move(vias));
}

enum class Brackets { free, required };

Read read_addresses(std::string_view text, Stands stands, Brackets brackets) {
  std::vector<NameAddr> addresses;
  const auto take = [&](std::string_view piece) {
    if (brackets == Brackets::required && grammar::find_outside(piece, "<") == piece.size()) return false;
    auto address = parse_name_addr(piece);
    if (!address || !obeys(address->parameters, tag_rules)) return false;
    addresses.push_back(std::move(*address));
    return true;
  };
  text = trim(text);
  const bool good = stands == Stands::once ? !text.empty() && take(text) : each_value(text, stands, take);
  if (!good) return Errc::bad_value;
  return HeaderValue(std::move(addresses));
}

Read read_contacts(std::string_view text, Stands stands) {
  std::vector<Contact> contacts;
  if (trim(text) == "*") {
    contacts.emplace_back().address.uri.scheme = "*";
    return HeaderValue(std::move(contacts));
  }
  const bool good = each_value(text, stands, [&](std::string_view piece) {
    auto address = parse_name_addr(piece);
    if (!address || !obeys(address->parameters, contact_rules) || !parse_features(address->parameters))
      return false;
    contacts.push_back({std::move(*address)});
    return true;
  });
  if (!good) return Errc::bad_value;
  return HeaderValue(std::move(contacts));
}

}  // namespace

Result<HeaderValue> parse_header(HeaderId id, std::string_view text) {
  const auto& row = row_of(id);
  text = trim(text);
  switch (row.shape) {
    case Shape::verbatim:
      return HeaderValue{};
    case Shape::text:
      return read_text(text);
    case Shape::products:
      return read_products(text);
    case Shape::token:
      return read_word(text, grammar::is_token(text));
    case Shape::call_id:
      return read_word(text, grammar::is_call_id(text));
    case Shape::tokens:
      return read_words(text, row.stands, grammar::is_token);
    case Shape::semicolon_tokens:
      return read_semicolon_tokens(text);
    case Shape::dispositions:
      return read_words(text, row.stands, is_disposition);
    case Shape::language_tags:
      return read_words(text, row.stands, is_language);
    case Shape::call_ids:
      return read_call_ids(text);
    case Shape::number:
      return read_number(text, 0, std::numeric_limits<std::uint32_t>::max());
    case Shape::hops:
      return read_number(text, 0, std::numeric_limits<std::uint8_t>::max());
    case Shape::sequence:
      return read_number(text, 1, std::numeric_limits<std::uint32_t>::max());
    case Shape::seconds:
      return read_seconds(text);
    case Shape::session:
      return read_session(text);
    case Shape::retry_after:
      return read_retry_after(text);
    case Shape::timestamp:
      return read_timestamp(text);
    case Shape::version:
      return read_word(text, is_version(text));
    case Shape::date:
      return read_date(text);
    case Shape::media_type:
      return read_item(
          text, [](const Item& item) { return is_media_type(item.value) && has_values(item.parameters); });
    case Shape::media_ranges:
      return read_items(text, row.stands, fits<is_media_range, q_rules>);
    case Shape::codings:
      return read_items(text, row.stands, fits<grammar::is_token, q_rules>);
    case Shape::languages:
      return read_items(text, row.stands, fits<is_language_range, q_rules>);
    case Shape::item:
      return read_item(text, fits<grammar::is_token, item_rules>);
    case Shape::flag:
      return read_item(
          text, [](const Item& item) { return iequals(item.value, "true") || iequals(item.value, "false"); });
    case Shape::event:
      return read_item(text, fits<grammar::is_token, event_rules>);
    case Shape::subscription_state:
      return read_item(text, fits<grammar::is_token, state_rules>);
    case Shape::reasons:
      return read_items(text, row.stands, fits<grammar::is_token, reason_rules>);
    case Shape::networks:
      return read_items(text, row.stands, [](const Item& item) { return is_token_or_quoted(item.value); });
    case Shape::access_networks:
      return read_items(text, row.stands, [](const Item& item) { return grammar::is_token(item.value); });
    case Shape::parameter_lists:
      return read_parameter_lists(text, row.stands);
    case Shape::charging:
      return read_charging(text);
    case Shape::links:
      return read_links(text, row.stands);
    case Shape::warnings:
      return read_warnings(text, row.stands);
    case Shape::dialog:
      return read_dialog(text, "to-tag", "from-tag");
    case Shape::target_dialog:
      return read_dialog(text, "local-tag", "remote-tag");
    case Shape::contact_preferences:
      return read_items(text, row.stands, is_preference);
    case Shape::cseq:
      return read_cseq(text);
    case Shape::rack:
      return read_rack(text);
    case Shape::challenge:
      return read_challenge(text);
    case Shape::auth_info:
      return read_auth_info(text);
    case Shape::via:
      return read_vias(text, row.stands);
    case Shape::address:
    case Shape::addresses:
      return read_addresses(text, row.stands, Brackets::free);
    case Shape::routes:
    case Shape::called_party:
      return read_addresses(text, row.stands, Brackets::required);
    case Shape::contacts:
      return read_contacts(text, row.stands);
  }
  return Errc::bad_value;
}

}  // namespace beckon::sip
