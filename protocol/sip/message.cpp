#include "protocol/sip/message.hpp"

#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"
#include "protocol/sip/message_index.hpp"

namespace beckon::sip {

void intrusive_ptr_add_ref(const Message::Index* index) {
  index->owners.fetch_add(1, std::memory_order_relaxed);
}

void intrusive_ptr_release(const Message::Index* index) {
  const bool last = index->owners.load(std::memory_order_acquire) == 1 ||
                    index->owners.fetch_sub(1, std::memory_order_acq_rel) == 1;
  if (last) Message::Index::drop(index);
}

HeaderValues::iterator::iterator(HeaderLines::iterator line, HeaderLines::iterator end, HeaderId id)
    : line_(line), end_(end), id_(id) {
  ++*this;
}

HeaderValues::iterator& HeaderValues::iterator::operator++() {
  while (true) {
    while (grammar::next_piece(rest_, ',', value_)) {
      value_ = trim(value_);
      if (!value_.empty()) return *this;
    }
    while (line_ != end_ && (*line_).id != id_) ++line_;
    if (line_ == end_) break;
    rest_ = (*line_).value;
    ++line_;
  }
  done_ = true;
  return *this;
}

Result<Message> Message::parse(SharedText text, const Limits& limits) {
  if (text->size() > limits.message) return Errc::too_long;
  Indexer indexer(std::move(text), Indexer::Mode::strict, limits);
  if (const auto error = indexer.run()) return *error;
  return indexer.take();
}

std::optional<Message> Message::salvage(SharedText text, const Limits& limits) {
  Indexer indexer(std::move(text), Indexer::Mode::salvage, limits);
  if (indexer.run()) return std::nullopt;
  return indexer.take();
}

const Message::Index& Message::index() const {
  static const Index none{};
  return index_ ? *index_ : none;
}

std::string_view Message::value_of(const HeaderLines::Entry& entry) const {
  return {index().text + entry.value, entry.value_size};
}

std::string_view Message::body() const { return index().body; }
std::string_view Message::text() const { return index().octets; }
int Message::status() const { return index().status; }
HeaderLines Message::headers() const { return {index().text, index().lines()}; }

Method Message::method() const { return is_request() ? index().method : parse_method(method_text()); }

std::string_view Message::method_text() const {
  if (is_request()) return index().first;
  const auto value = header(HeaderId::cseq);
  const auto blank = value.find_last_of(" \t");
  return blank == std::string_view::npos ? std::string_view{} : value.substr(blank + 1);
}

std::string_view Message::request_uri_text() const {
  return is_request() ? index().second : std::string_view{};
}

Result<Uri> Message::request_uri() const { return parse_uri(request_uri_text()); }

std::string_view Message::reason() const { return is_response() ? index().third : std::string_view{}; }

std::string_view Message::version() const { return is_response() ? index().first : index().third; }

const HeaderLines::Entry* Message::find(HeaderId id) const {
  const Index& all = index();
  if (!all.seen.has(id)) return nullptr;
  return &all.lines()[all.first_line[static_cast<std::size_t>(id)]];
}

std::string_view Message::header(HeaderId id) const {
  const auto* line = find(id);
  return line ? value_of(*line) : std::string_view{};
}

std::string_view Message::header(std::string_view name) const {
  const HeaderId id = parse_header_name(name);
  if (id != HeaderId::other) return header(id);
  for (const auto& line : headers()) {
    if (iequals(line.name, name)) return line.value;
  }
  return {};
}

bool Message::has(HeaderId id) const { return find(id) != nullptr; }

const HeaderSet& Message::present() const { return index().seen; }
const HeaderSet& Message::repeated() const { return index().repeated; }

HeaderLines Message::lines_of(HeaderId id) const {
  const auto* line = find(id);
  if (!line) return {nullptr, {}};
  const auto all = index().lines();
  const auto from = static_cast<std::size_t>(line - all.data());
  return {index().text, all.subspan(from, index().repeated.has(id) ? std::dynamic_extent : 1)};
}

HeaderValues Message::each(HeaderId id) const { return {lines_of(id), id}; }

std::string_view Message::first(HeaderId id) const {
  if (!has(id)) return {};
  const auto values = each(id);
  const auto begin = values.begin();
  return begin == values.end() ? std::string_view{} : *begin;
}

std::vector<std::string_view> Message::values(HeaderId id) const {
  std::vector<std::string_view> all;
  for (const auto value : each(id)) all.push_back(value);
  return all;
}

bool Message::lists(HeaderId id, std::string_view token) const {
  for (const auto value : each(id)) {
    if (iequals(trim(cut(value, ';').first), token)) return true;
  }
  return false;
}

Result<ViaView> Message::top_via_view() const {
  const auto* line = find(HeaderId::via);
  if (!line) return Errc::missing_header;
  const auto value = value_of(*line);
  return view_via(trim(value.substr(0, grammar::find_outside(value, ","))));
}

Result<UriView> Message::request_uri_view() const { return view_uri(request_uri_text()); }

Result<Via> Message::top_via() const {
  const auto via = top_via_view();
  if (!via) return via.error();
  return own(*via);
}

Result<NameAddr> Message::from() const {
  const auto* line = find(HeaderId::from);
  if (!line) return Errc::missing_header;
  return parse_name_addr(value_of(*line));
}

Result<NameAddr> Message::to() const {
  const auto* line = find(HeaderId::to);
  if (!line) return Errc::missing_header;
  return parse_name_addr(value_of(*line));
}

std::string_view Message::from_tag() const { return index().from_tag; }
std::string_view Message::to_tag() const { return index().to_tag; }

Result<CSeq> Message::cseq() const {
  const auto* line = find(HeaderId::cseq);
  if (!line) return Errc::missing_header;
  return parse_cseq(value_of(*line));
}

Result<std::vector<NameAddr>> Message::contacts() const {
  if (trim(header(HeaderId::contact)) == "*") {
    NameAddr all;
    all.uri.scheme = "*";
    // RFC 3261 10.3: "*" stands alone.
    if (values(HeaderId::contact).size() != 1) return Errc::bad_value;
    return std::vector<NameAddr>{std::move(all)};
  }
  return routes(HeaderId::contact);
}

Result<std::vector<NameAddr>> Message::routes(HeaderId id) const {
  std::vector<NameAddr> all;
  for (const auto value : each(id)) {
    auto address = parse_name_addr(value);
    if (!address) return address.error();
    all.push_back(std::move(*address));
  }
  return all;
}

std::optional<std::uint32_t> Message::expires() const {
  return parse_delta_seconds(header(HeaderId::expires));
}

std::optional<std::uint32_t> Message::number(HeaderId id) const {
  const auto value = header(id);
  return parse_number<std::uint32_t>(value.substr(0, value.find_first_of(" \t;(")));
}

}  // namespace beckon::sip
