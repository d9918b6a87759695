#include "protocol/locate/dns.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"

namespace beckon::locate {

namespace {

constexpr std::uint16_t type_cname = 5;
constexpr std::uint16_t type_soa = 6;
constexpr std::uint16_t class_internet = 1;
constexpr std::size_t max_name = 255;     // octets; RFC 1035 2.3.4
constexpr std::size_t max_aliases = 16;   // CNAMEs followed in one answer
constexpr std::size_t max_pointers = 32;  // of one compressed name; each goes back, so there is no loop

/// Reads forward; what is not there makes it fail for good and read zeros.
class Reader {
 public:
  explicit Reader(ByteView message) : message_(message) {}

  bool good() const { return good_; }
  std::size_t at() const { return at_; }
  void fail() { good_ = false; }

  std::uint8_t octet() {
    if (!good_ || at_ >= message_.size()) {
      good_ = false;
      return 0;
    }
    return message_[at_++];
  }
  std::uint16_t number16() {
    const unsigned high = octet();
    return static_cast<std::uint16_t>(high << 8 | octet());
  }
  std::uint32_t number32() {
    const std::uint32_t high = number16();
    return high << 16 | number16();
  }
  ByteView octets(std::size_t count) {
    if (!good_ || message_.size() - at_ < count) {
      good_ = false;
      return {};
    }
    at_ += count;
    return message_.subspan(at_ - count, count);
  }
  /// A <character-string> (RFC 1035 3.3).
  std::string text() {
    const auto found = octets(octet());
    return std::string(as_text(found));
  }
  std::string name();

 private:
  ByteView message_;
  std::size_t at_ = 0;
  bool good_ = true;
};

/// A domain name with its compression (RFC 1035 4.1.4), in lower case, without the last dot. A label with a
/// dot or an unprintable octet is not part of a host's name.
std::string Reader::name() {
  std::string out;
  std::size_t from = at_;
  std::size_t pointers = 0;
  std::optional<std::size_t> end;
  Reader here(message_);
  here.at_ = from;
  while (good_) {
    const std::uint8_t size = here.octet();
    if (!here.good_) break;
    if (size == 0) {
      at_ = end.value_or(here.at_);
      return out;
    }
    if ((size & 0xC0) == 0xC0) {
      const std::size_t to = std::size_t{size & 0x3FU} << 8 | here.octet();
      if (!here.good_ || to >= from || ++pointers > max_pointers) break;
      if (!end) end = here.at_;
      here.at_ = from = to;
      continue;
    }
    if (size > 63) break;
    const auto label = as_text(here.octets(size));
    if (!here.good_ || out.size() + label.size() + 1 > max_name) break;
    if (std::ranges::any_of(label, [](char c) { return c <= ' ' || c > '~' || c == '.' || c == '\\'; }))
      break;
    if (!out.empty()) out += '.';
    out += to_lower(label);
  }
  good_ = false;
  return {};
}

/// "A received TTL with the most significant bit set is treated as zero" (RFC 2181 8).
Duration ttl_of(std::uint32_t seconds) {
  return seconds > 0x7FFFFFFF ? Duration::zero() : Duration(std::chrono::seconds(seconds));
}

struct Record {
  std::string name;
  std::uint16_t type = 0;
  Duration ttl{};
  std::string alias{};        ///< CNAME
  IpAddress address{};        ///< A, AAAA
  Srv service{};              ///< SRV
  Naptr pointer{};            ///< NAPTR
  Duration no_data_ttl = {};  ///< SOA
};

IpAddress read_address(ByteView octets, IpAddress::Family family) {
  IpAddress ip{.family = family};
  std::ranges::copy(octets, ip.octets.begin());
  return ip;
}

/// Records of other classes and types we do not use come back with type 0.
Record read_record(Reader& in) {
  Record record{.name = in.name(), .type = in.number16()};
  const auto of_class = in.number16();
  record.ttl = ttl_of(in.number32());
  const std::size_t size = in.number16();
  const std::size_t end = in.at() + size;
  if (of_class != class_internet) record.type = 0;
  switch (record.type) {
    case static_cast<std::uint16_t>(Type::a):
      record.address = read_address(in.octets(4), IpAddress::Family::v4);
      break;
    case static_cast<std::uint16_t>(Type::aaaa):
      record.address = read_address(in.octets(16), IpAddress::Family::v6);
      break;
    case static_cast<std::uint16_t>(Type::srv):
      record.service.priority = in.number16();
      record.service.weight = in.number16();
      record.service.port = in.number16();
      record.service.target = in.name();
      break;
    case static_cast<std::uint16_t>(Type::naptr):
      record.pointer.order = in.number16();
      record.pointer.preference = in.number16();
      record.pointer.flags = in.text();
      record.pointer.service = in.text();
      record.pointer.regexp = in.text();
      record.pointer.replacement = in.name();
      break;
    case type_cname:
      record.alias = in.name();
      break;
    case type_soa:
      in.name();
      in.name();
      in.octets(16);
      record.no_data_ttl = std::min(record.ttl, ttl_of(in.number32()));
      break;
    default:
      record.type = 0;
      in.octets(size);
  }
  if (in.at() != end) in.fail();
  return record;
}

void keep(const Record& record, Answer& answer) {
  switch (static_cast<Type>(record.type)) {
    case Type::a:
    case Type::aaaa:
      return answer.addresses.push_back(record.address);
    case Type::srv:
      return answer.services.push_back(record.service);
    case Type::naptr:
      return answer.pointers.push_back(record.pointer);
  }
}

/// Follows the CNAMEs from the name asked for. False when they go round.
bool follow(const std::vector<Record>& records, const Question& question, Answer& answer, std::string& name) {
  name = question.name;
  for (std::size_t links = 0; links <= max_aliases; ++links) {
    const auto alias = std::ranges::find_if(
        records, [&](const Record& record) { return record.type == type_cname && record.name == name; });
    if (alias == records.end()) return true;
    answer.ttl = std::min(answer.ttl, alias->ttl);
    name = alias->alias;
  }
  return false;
}

}  // namespace

const char* to_string(Type type) {
  switch (type) {
    case Type::a:
      return "A";
    case Type::aaaa:
      return "AAAA";
    case Type::srv:
      return "SRV";
    case Type::naptr:
      return "NAPTR";
  }
  return "?";
}

Result<Answer> read_answer(const Question& question, ByteView message) {
  Reader in(message);
  in.number16();  // the query's number: checked by the sender
  const unsigned flags = in.number16();
  const unsigned questions = in.number16();
  const unsigned answers = in.number16();
  const unsigned authorities = in.number16();
  in.number16();
  const bool is_response = (flags & 0x8000) != 0;
  const bool is_cut = (flags & 0x0200) != 0;
  const std::string name = in.name();
  const auto type = in.number16();
  const auto of_class = in.number16();
  if (!in.good() || !is_response || is_cut || questions != 1 || name != question.name ||
      type != static_cast<std::uint16_t>(question.type) || of_class != class_internet) {
    return Errc::bad_answer;
  }
  Answer answer{.kind = Answer::Kind::failed, .ttl = Duration::zero()};
  const unsigned code = flags & 0xF;
  if (code != 0 && code != 3) return answer;

  std::vector<Record> records;
  for (unsigned i = 0; i < answers && in.good(); ++i) {
    Record record = read_record(in);
    if (record.type != 0 && records.size() < 2 * max_records) records.push_back(std::move(record));
  }
  std::optional<Duration> no_data_ttl;
  for (unsigned i = 0; i < authorities && in.good(); ++i) {
    const Record record = read_record(in);
    if (record.type == type_soa && !no_data_ttl) no_data_ttl = record.no_data_ttl;
  }
  if (!in.good()) return Errc::bad_answer;

  answer.ttl = Duration::max();
  std::string owner;
  if (!follow(records, question, answer, owner)) return Errc::bad_answer;
  std::size_t kept = 0;
  for (const Record& record : records) {
    if (record.name != owner || record.type != static_cast<std::uint16_t>(question.type)) continue;
    if (++kept > max_records) break;
    answer.ttl = std::min(answer.ttl, record.ttl);
    keep(record, answer);
  }
  if (kept > 0 && code == 0) {
    answer.kind = Answer::Kind::found;
  } else if (code == 0 && owner != question.name && !owner.empty() && !no_data_ttl) {
    answer.kind = Answer::Kind::found;
    answer.alias = owner;
  } else {
    const auto ttl = std::min(answer.ttl, no_data_ttl.value_or(Duration::zero()));
    answer = {.kind = code == 3 ? Answer::Kind::no_name : Answer::Kind::no_data, .ttl = ttl};
  }
  return answer;
}

}  // namespace beckon::locate
