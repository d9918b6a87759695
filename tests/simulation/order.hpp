#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "protocol/base/address.hpp"
#include "protocol/sip/message.hpp"

namespace beckon::simulation {

/// What must hold of everything that is sent, watched on the wire:
/// - a request's CSeq is higher than all before it of the same sender, Call-ID and tags, or it is a
///   retransmission to the octet but for Via (RFC 3261 12.2.1.1; relayed requests are their sender's affair);
/// - versions of watcher, registration and dialog information rise within a dialog, and a partial document
///   follows the one before by one (RFC 3858 4.1, RFC 3680 5.1, RFC 4235 4.1);
/// - no lifetime is granted that is longer than asked for (RFC 3261 10.2.1.1, RFC 3903 6, RFC 6665 4.2.1.1).
class Order {
 public:
  void on_sent(const Address& from, const sip::Message& message);
  /// The first violation; empty while there is none.
  const std::string& fault() const { return fault_; }

 private:
  struct Sequence {
    std::map<std::uint32_t, std::size_t> sent;  ///< CSeq -> hash of the text.
    std::optional<std::uint32_t> document;      ///< Its version.
  };

  void on_request(const Address& from, const sip::Message& request);
  void check_granted(const sip::Message& response);
  void check_document(Sequence& sequence, const sip::Message& notify);
  void fail(const sip::Message& message, const std::string& what);

  /// By sender, Call-ID, From-tag and To-tag.
  std::map<std::tuple<Address, std::string, std::string, std::string>, Sequence> sequences_;
  struct Asked {
    std::string contact;  ///< Of a REGISTER.
    std::uint32_t lifetime;
  };
  std::map<std::pair<std::string, std::uint32_t>, Asked> asked_;  ///< By Call-ID and CSeq.
  std::string fault_;
};

}  // namespace beckon::simulation
