#include "protocol/documents/deflate.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace beckon::documents {

namespace {

constexpr std::size_t head_size = 2, sum_size = 4;

std::uint32_t octet(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

/// DEFLATE in a window of at most 32 KiB, and no dictionary that only the sender knows (RFC 1950 2.2).
bool is_head(std::string_view body) {
  const std::uint32_t method = octet(body, 0), flags = octet(body, 1);
  return (method & 0x0fU) == 8 && (method >> 4U) <= 7 && (flags & 0x20U) == 0 &&
         (method * 256 + flags) % 31 == 0;
}

/// Adler-32 (RFC 1950 8.2).
std::uint32_t checksum(std::string_view text) {
  constexpr std::uint32_t modulus = 65521;
  std::uint32_t one = 1, sum = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    one = (one + octet(text, i)) % modulus;
    sum = (sum + one) % modulus;
  }
  return sum << 16U | one;
}

/// Bits, the lowest of each octet first. Past the end they are 0 and `is_over`.
class Bits {
 public:
  explicit Bits(std::string_view text) : text_(text) {}
  std::uint32_t take(unsigned count) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < count; ++i) value |= take_one() << i;
    return value;
  }
  std::uint32_t take_one() {
    if (at_ / 8 >= text_.size()) {
      is_over_ = true;
      return 0;
    }
    const std::uint32_t bit = octet(text_, at_ / 8) >> (at_ % 8) & 1U;
    ++at_;
    return bit;
  }
  void skip_to_octet() { at_ = (at_ + 7) / 8 * 8; }
  /// Octets from the beginning of an octet on.
  std::optional<std::string_view> take_octets(std::size_t count) {
    const std::size_t begin = at_ / 8;
    if (begin > text_.size() || count > text_.size() - begin) return std::nullopt;
    at_ += 8 * count;
    return text_.substr(begin, count);
  }
  std::string_view rest() const { return text_.substr((at_ + 7) / 8); }
  bool is_over() const { return is_over_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  bool is_over_ = false;
};

/// The codes of an alphabet, by their lengths (RFC 1951 3.2.2).
class Codes {
 public:
  static constexpr std::size_t symbols_max = 288;
  static constexpr unsigned length_max = 15;

  /// False: more codes than there can be. An alphabet of one code, or none, may be incomplete.
  bool make(const std::uint8_t* lengths, std::size_t count) {
    counts_.fill(0);
    for (std::size_t i = 0; i < count; ++i) ++counts_[lengths[i]];
    const std::size_t unused = counts_[0];
    counts_[0] = 0;
    int left = 1;
    std::array<std::uint16_t, length_max + 2> begins{};
    for (unsigned length = 1; length <= length_max; ++length) {
      left = 2 * left - counts_[length];
      if (left < 0) return false;
      begins[length + 1] = static_cast<std::uint16_t>(begins[length] + counts_[length]);
    }
    for (std::size_t i = 0; i < count; ++i)
      if (lengths[i] != 0) symbols_[begins[lengths[i]]++] = static_cast<std::uint16_t>(i);
    return left == 0 || count - unused <= 1;
  }

  /// Absent: no code of the alphabet.
  std::optional<unsigned> take(Bits& bits) const {
    unsigned code = 0, first = 0, index = 0;
    for (unsigned length = 1; length <= length_max; ++length) {
      code |= bits.take_one();
      if (bits.is_over()) return std::nullopt;
      const unsigned count = counts_[length];
      if (code < first + count) return symbols_[index + (code - first)];
      index += count;
      first = (first + count) << 1U;
      code <<= 1U;
    }
    return std::nullopt;
  }

 private:
  std::array<std::uint16_t, length_max + 1> counts_{};
  std::array<std::uint16_t, symbols_max> symbols_{};  ///< By rising code.
};

/// Of repetitions and distances (RFC 1951 3.2.5).
constexpr std::array<std::uint16_t, 29> repeat_bases = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                                        15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                                        67, 83, 99, 115, 131, 163, 195, 227, 258};
constexpr std::array<std::uint8_t, 29> repeat_bits = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                                      2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
constexpr std::array<std::uint16_t, 30> distance_bases = {
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
constexpr std::array<std::uint8_t, 30> distance_bits = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                                        6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
/// In which order a block has the lengths of the codes of its lengths (RFC 1951 3.2.7).
constexpr std::array<std::uint8_t, 19> length_order = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                       11, 4,  12, 3, 13, 2, 14, 1, 15};

class Inflater {
 public:
  Inflater(std::string_view text, std::size_t octets_max) : bits_(text), octets_max_(octets_max) {}

  /// False: malformed, or too long.
  bool run() {
    for (bool is_last = false; !is_last;) {
      is_last = bits_.take_one() != 0;
      const std::uint32_t kind = bits_.take(2);
      if (bits_.is_over()) return false;
      const bool is_good = kind == 0 ? take_stored() : kind == 1 ? take_fixed() : kind == 2 && take_dynamic();
      if (!is_good) return false;
    }
    return true;
  }
  std::string& text() { return out_; }
  std::string_view rest() const { return bits_.rest(); }

 private:
  bool take_stored() {
    bits_.skip_to_octet();
    const std::uint32_t size = bits_.take(16), inverse = bits_.take(16);
    const auto octets = bits_.take_octets(size);
    if (bits_.is_over() || (size ^ inverse) != 0xffffU || !octets ||
        octets->size() > octets_max_ - out_.size())
      return false;
    out_.append(*octets);
    return true;
  }

  bool take_fixed() {
    std::array<std::uint8_t, Codes::symbols_max> lengths{};
    for (std::size_t i = 0; i < lengths.size(); ++i) lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    // Of all 32, of which two stand for nothing.
    std::array<std::uint8_t, 32> distances{};
    distances.fill(5);
    return literals_.make(lengths.data(), lengths.size()) &&
           distances_.make(distances.data(), distances.size()) && take_codes();
  }

  bool take_dynamic() {
    const std::size_t literals = bits_.take(5) + 257, distances = bits_.take(5) + 1,
                      codes = bits_.take(4) + 4;
    if (bits_.is_over() || literals > 286 || distances > 30) return false;
    std::array<std::uint8_t, 19> code_lengths{};
    for (std::size_t i = 0; i < codes; ++i)
      code_lengths[length_order[i]] = static_cast<std::uint8_t>(bits_.take(3));
    Codes lengths_codes;
    if (!lengths_codes.make(code_lengths.data(), code_lengths.size())) return false;
    std::array<std::uint8_t, 286 + 30> lengths{};
    for (std::size_t at = 0; at < literals + distances;) {
      const auto symbol = lengths_codes.take(bits_);
      if (!symbol) return false;
      std::uint8_t value = static_cast<std::uint8_t>(*symbol);
      std::size_t times = 1;
      if (*symbol == 16) {
        if (at == 0) return false;
        value = lengths[at - 1];
        times = 3 + bits_.take(2);
      } else if (*symbol > 16) {
        value = 0;
        times = *symbol == 17 ? 3 + bits_.take(3) : 11 + bits_.take(7);
      }
      if (times > literals + distances - at) return false;
      for (; times > 0; --times) lengths[at++] = value;
    }
    constexpr std::size_t end_of_block = 256;
    return lengths[end_of_block] != 0 && literals_.make(lengths.data(), literals) &&
           distances_.make(lengths.data() + literals, distances) && take_codes();
  }

  bool take_codes() {
    constexpr unsigned end_of_block = 256;
    for (;;) {
      const auto symbol = literals_.take(bits_);
      if (!symbol) return false;
      if (*symbol == end_of_block) return true;
      if (*symbol > end_of_block) {
        if (!repeat(*symbol - end_of_block - 1)) return false;
      } else {
        if (out_.size() == octets_max_) return false;
        out_ += static_cast<char>(*symbol);
      }
    }
  }

  bool repeat(std::size_t which) {
    if (which >= repeat_bases.size()) return false;
    const std::size_t size = repeat_bases[which] + bits_.take(repeat_bits[which]);
    const auto far = distances_.take(bits_);
    if (!far || *far >= distance_bases.size()) return false;
    const std::size_t distance = distance_bases[*far] + bits_.take(distance_bits[*far]);
    if (bits_.is_over() || distance > out_.size() || size > octets_max_ - out_.size()) return false;
    // Octet by octet: what is repeated may be what is written.
    for (std::size_t i = 0; i < size; ++i) out_ += out_[out_.size() - distance];
    return true;
  }

  Bits bits_;
  std::size_t octets_max_;
  std::string out_;
  Codes literals_, distances_;
};

std::uint32_t read_sum(std::string_view text) {
  return octet(text, 0) << 24U | octet(text, 1) << 16U | octet(text, 2) << 8U | octet(text, 3);
}

}  // namespace

Result<std::string> inflate(std::string_view body, std::size_t octets_max) {
  if (body.size() < head_size + sum_size || !is_head(body)) return Errc::bad_value;
  Inflater inflater(body.substr(head_size), octets_max);
  if (!inflater.run()) return Errc::bad_value;
  const std::string_view rest = inflater.rest();
  if (rest.size() != sum_size || read_sum(rest) != checksum(inflater.text())) return Errc::bad_value;
  return std::move(inflater.text());
}

}  // namespace beckon::documents
