#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/time.hpp"
#include "protocol/transaction/transport.hpp"

namespace beckon::server::registrar {

/// One contact of an address-of-record (RFC 3261 10, RFC 5626).
struct Binding {
  std::string contact;  ///< The URI as registered, without angle brackets.
  std::string
      parameters;        ///< Contact header parameters as registered, starting with ';' (reginfo shows them).
  std::string instance;  ///< +sip.instance without quotes and brackets; empty when absent.
  std::uint32_t reg_id = 0;  ///< 0 when absent.
  double q = 1.0;
  std::string path;  ///< Value(s) of Path, comma-separated (RFC 3327).
  std::string call_id;
  std::uint32_t cseq = 0;
  std::string user_agent;
  transaction::Hop
      received;  ///< Where the REGISTER came from; with a flow, requests go down that flow and nowhere else.
  Time registered{};  ///< When it first came, and
  Time expires{};     ///< when it ends.
  WallTime registered_wall{};
  bool suspended =
      false;  ///< Came back from the store after a restart; its flow is gone, its device not yet back.

  /// A contact that lives and dies with its connection: a stream, or a host nobody can dial (".invalid").
  bool bound_to_flow() const { return received.flow != 0 || suspended; }
};

/// What makes a binding the same one: instance and reg-id (RFC 5626 6), else the contact. Key of its record.
std::string key_of(const Binding& binding);

/// As the store keeps it: JSON, with the times of the wall clock. Read back, a binding that lived on a flow
/// is suspended.
std::string print(const Binding& binding, Now now);
std::optional<Binding> parse_binding(std::string_view value, Now now);

/// Why a binding changed (RFC 3680 5.1 events).
enum class BindingEvent : std::uint8_t {
  registered,
  created,
  refreshed,
  shortened,
  expired,
  deactivated,
  unregistered,
  rejected
};
const char* to_string(BindingEvent event);

/// Is told of every change of an address-of-record's bindings, at its bucket, after the store has it.
class BindingsObserver {
 public:
  virtual ~BindingsObserver() = default;
  /// `changed` is the one binding concerned, as it is now (or was, when it ended); `all` what is left,
  /// suspended ones included (their users count as online until the grace time is over).
  virtual void on_bindings_changed(std::string_view aor, BindingEvent event, const Binding& changed,
                                   const std::vector<Binding>& all, Now now) = 0;
};

}  // namespace beckon::server::registrar
