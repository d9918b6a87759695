#pragma once

#include <array>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/time.hpp"
#include "protocol/transaction/transport.hpp"
#include "server/store/time_scale.hpp"

namespace beckon::server {
class Entry;
}

namespace beckon::server::registrar {

/// The texts of one binding, in one block that copies of the binding share, on any thread.
class BindingTexts {
 public:
  struct Fields {
    std::string_view contact{};
    std::string_view parameters{};
    std::string_view instance{};
    std::string_view path{};
    std::string_view call_id{};
    std::string_view user_agent{};
    bool operator==(const Fields&) const = default;
  };

  BindingTexts() = default;
  explicit BindingTexts(const Fields& fields);
  /// Valid while a copy of this lives.
  Fields fields() const;
  std::string_view get(unsigned field) const;

 private:
  static constexpr unsigned count = 6;
  struct Block;
  friend void intrusive_ptr_add_ref(Block* block);
  friend void intrusive_ptr_release(Block* block);
  boost::intrusive_ptr<Block> block_;
};

/// One contact of an address-of-record (RFC 3261 10, RFC 5626). A copy costs a count.
class Binding {
 public:
  Binding() = default;
  explicit Binding(const BindingTexts::Fields& texts) : texts_(texts) {}
  /// The same; shares the block of `like` where the texts are equal.
  Binding(const BindingTexts::Fields& texts, const Binding& like)
      : texts_(texts == like.texts_.fields() ? like.texts_ : BindingTexts(texts)) {}

  /// The URI as registered, without angle brackets.
  std::string_view contact() const { return texts_.get(0); }
  /// Contact header parameters as registered, starting with ';' (reginfo shows them).
  std::string_view parameters() const { return texts_.get(1); }
  /// +sip.instance without quotes and brackets; empty when absent.
  std::string_view instance() const { return texts_.get(2); }
  /// Value(s) of Path, comma-separated (RFC 3327).
  std::string_view path() const { return texts_.get(3); }
  std::string_view call_id() const { return texts_.get(4); }
  std::string_view user_agent() const { return texts_.get(5); }

  /// Where the REGISTER came from; with a flow, requests go down that flow and nowhere else.
  transaction::Hop received() const { return {protocol_, remote_, local_, flow_}; }
  transaction::FlowId flow() const { return flow_; }
  void set_received(const transaction::Hop& hop) {
    protocol_ = hop.protocol;
    remote_ = hop.remote;
    local_ = hop.local;
    flow_ = hop.flow;
  }
  /// Reached through its connection only, with which it ends; also while `suspended`, when it has none.
  bool bound_to_flow() const { return flow_ != 0 || suspended; }
  /// When its last REGISTER came.
  Time refreshed() const { return expires - std::chrono::seconds(granted); }

 private:
  BindingTexts texts_;
  transaction::FlowId flow_ = 0;

 public:
  Time registered{};          ///< When it first came, and
  Time expires{};             ///< when it ends.
  std::uint32_t granted = 0;  ///< Seconds, by the last REGISTER.
  std::uint32_t reg_id = 0;   ///< 0 when absent.
  std::uint32_t cseq = 0;
  /// The temporary GRUUs of its device that are valid have this number in them (RFC 5627 5.1): all bindings
  /// of an instance have the same one, and it is another one after the last of them ended or a REGISTER came
  /// with another Call-ID. 0 without instance.
  std::uint32_t epoch = 0;
  std::uint32_t first_cseq = 0;  ///< Of this binding's first REGISTER in the epoch (RFC 5628).
  float q = 1.0F;
  /// Came back from the store after a restart; its flow is gone, its device not yet back.
  bool suspended = false;

 private:
  transaction::Protocol protocol_ = transaction::Protocol::udp;
  Address remote_, local_;
};

/// What makes a binding the same one: instance and reg-id (RFC 5626 6), else the contact. Key of its record.
std::string key_of(const Binding& binding);

/// As the store keeps it. Read back, a binding that lived on a flow is suspended; `grace` as for
/// `store::TimeScale::left`.
std::string print(const Binding& binding, const store::TimeScale& scale);
std::optional<Binding> parse_binding(std::string_view value, Time now, const store::TimeScale& scale,
                                     Duration grace);

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
/// Is the binding gone afterwards?
bool is_end(BindingEvent event);

/// Hears of every change of an address-of-record's bindings, at its bucket.
class BindingsObserver {
 public:
  virtual ~BindingsObserver() = default;
  /// `changed` is the one binding concerned, as it is now (or was, when it ended); `all` what is left,
  /// suspended ones included (their users count as online until the grace time is over).
  virtual void on_bindings_changed(Entry& entry, BindingEvent event, const Binding& changed,
                                   const std::vector<Binding>& all, Now now) = 0;
};

}  // namespace beckon::server::registrar
