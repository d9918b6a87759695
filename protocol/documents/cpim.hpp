#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/documents/error.hpp"

/// message/cpim (RFC 3862): an instant message with what concerns it from end to end, and the headers of its
/// disposition notifications (RFC 5438 6).
namespace beckon::documents {

inline constexpr std::string_view cpim_type = "message/cpim";
inline constexpr std::string_view cpim_ns = "urn:ietf:params:cpim-headers:";  ///< RFC 3862 4
inline constexpr std::string_view imdn_header_ns = "urn:ietf:params:imdn";    ///< RFC 5438 6.1

/// Bounds of one message: header lines, and octets of a Message-ID, which senders and servers keep.
inline constexpr std::size_t cpim_headers_max = 64, cpim_message_id_max = 256;

/// "Winnie the Pooh <im:pooh@100akerwood.com>"
struct CpimAddress {
  std::string name{};  ///< As the sender wrote it, unescaped: it may contain control characters.
  std::string uri{};   ///< Of any scheme; without blanks, quotation marks and angle brackets.
  bool operator==(const CpimAddress&) const = default;
};

/// What the sender asks to be told (RFC 5438 6.2).
struct Dispositions {
  bool positive_delivery = false;
  bool negative_delivery = false;
  bool processing = false;
  bool display = false;
  bool any() const { return positive_delivery || negative_delivery || processing || display; }
  bool operator==(const Dispositions&) const = default;
};

struct Cpim {
  /// A header by its expanded name.
  struct Header {
    std::string ns{};
    std::string name{};
    std::string parameters{};  ///< As written, with the first ';': ";lang=fr".
    std::string value{};       ///< Unescaped.
    bool operator==(const Header&) const = default;
  };

  CpimAddress from{};  ///< Without URI: not said.
  std::vector<CpimAddress> to{}, cc{};
  std::string date_time{};   ///< RFC 3339, as written; empty: not said.
  std::string message_id{};  ///< Printable ASCII without blanks; empty: none.
  Dispositions wanted{};     ///< Meaningless in a notification: none may be asked for one (RFC 5438 7.2.1).
  CpimAddress original_to{};
  std::vector<CpimAddress> record_route{}, route{};
  std::vector<Header> required{};  ///< RFC 3862 4.7; name and namespace only.
  std::vector<Header> others{};    ///< Subjects, and what we do not know.

  // The content: one MIME entity.
  std::string content_type = "text/plain";
  std::string content_disposition{};
  std::vector<std::pair<std::string, std::string>> content_headers{};  ///< But these two.
  std::string content{};                                               ///< Without transfer encoding.

  /// Of the first Subject; empty: none.
  std::string_view subject() const;
  bool operator==(const Cpim&) const = default;
};

/// The first required header or feature that this room does not know, with its namespace; null: none.
const Cpim::Header* find_unknown_requirement(const Cpim& cpim);

/// Lines end with CRLF. COMPAT: LF alone ends one, too; blanks around a value are dropped; addresses stand
/// without angle brackets; the prefix "imdn" needs no declaration; the empty line before the content may be
/// missing, as in the examples of RFC 5438. Left out: header lines that cannot be read, those of a prefix
/// that is not declared, a further header where one is allowed. Errors: bad_structure: lines but no header,
/// or no end of them; bad_value: headers that are not UTF-8, a Message-ID that is too long or has other
/// characters, a requirement whose prefix is not declared; too_many_parts: more header lines than
/// `cpim_headers_max`; those of `parse_entity` and `content`.
Result<Cpim> parse_cpim(std::string_view body);
/// The content is written as it is: the transport takes octets (RFC 3862 7.1).
std::string print(const Cpim& cpim);

}  // namespace beckon::documents
