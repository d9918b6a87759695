#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/dialog/dialog.hpp"
#include "protocol/transaction/transport.hpp"
#include "server/store/record.hpp"

namespace beckon::server::subscription {

/// What the store keeps of a subscription of any package; the key is the dialog's local tag.
struct Record {
  std::string package;  ///< `Package::key`.
  std::string watcher;
  dialog::Dialog dialog;  ///< `reserved_cseq`: no NOTIFY above it has left.
  std::string event_id;
  std::string selection{};  ///< Empty, or starts with ';'.
  std::string body_type;
  std::string display_name;
  Time since{};
  store::Lifetime lifetime;
  transaction::Hop hop;  ///< Without flow.
  bool had_flow = false;
  sip::Rates rates{};        ///< Granted.
  bool is_quenched = false;  ///< "Suppress-If-Match: *".
  std::string list{};        ///< See `Subscription::list`.

  std::string print(Time ends, const store::TimeScale& scale) const;
};

/// `grace` as for `store::TimeScale::left`. Absent: cannot be read.
std::optional<Record> parse_record(std::string_view local_tag, std::string_view value, Time now,
                                   const store::TimeScale& scale, Duration grace);

}  // namespace beckon::server::subscription
