#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "protocol/base/time.hpp"
#include "protocol/event/compositor.hpp"
#include "protocol/transaction/transport.hpp"
#include "server/publication/device.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::publication {

/// What one device published, as its package keeps it. What the store keeps of it is a text.
class State : public event::EventState {
 public:
  /// `Package::restore` reads it.
  virtual std::string_view stored() const = 0;
  /// False: `stored()` lacks something, and after a restart the device must send the whole again.
  virtual bool is_stored_whole() const { return true; }

  /// The connection that parts of the state live on; 0: none do.
  virtual transaction::FlowId flow() const { return 0; }
  /// The device refreshed the publication over `flow`: the parts live there now.
  virtual void move_to(transaction::FlowId /*flow*/) {}
  /// Takes out what lived on the connection.
  virtual void drop_flow_parts() {}

  /// It modifies `before`: takes over what stands in the record. Before it is stored, perhaps repeatedly.
  virtual void modifies(const State& /*before*/) {}
  /// Takes over what outlives a modification from the state it replaces.
  virtual void inherit(State& /*before*/) {}
  /// Committed and announced: releases what was kept for that only.
  virtual void on_announced() {}
};

/// What came of a body.
struct Reading {
  std::unique_ptr<State> state{};  ///< Null: it is refused with `status` and `reason`.
  std::uint32_t size = 0;          ///< Its elements, for the limit of the presentity.
  Device device = 0;               ///< Whose it is where no registration tells; 0: unknown.
  std::string warning{};           ///< Text of a Warning 399 in the 200; empty: none.
  int status = 400;
  std::string_view reason{};  ///< Empty: the usual one.
};

/// An event package whose state is published (RFC 3903 10 lists what it must say). `Publications` owns the
/// publications, their entity-tags, lifetimes and records.
class Package {
 public:
  virtual ~Package() = default;

  virtual std::string_view name() const = 0;  ///< "presence". Stands in records.
  /// The default first. `application/x`, lower case.
  virtual std::span<const std::string_view> content_types() const = 0;
  /// An option tag that a 200 shows in Supported; empty: none.
  virtual std::string_view option_tag() const { return {}; }
  /// Elements of all of one presentity's publications together; past it 403.
  virtual std::uint32_t size_max() const = 0;

  /// Reads the body of an authorised PUBLISH.
  virtual Reading read(Entry& presentity, std::string_view body, const Request& request) = 0;
  /// Reads what `State::stored` gave, after a restart.
  virtual Reading restore(std::string_view stored) = 0;
  /// A committed change of the presentity's state. `published`: when the PUBLISH arrived that made it, if one
  /// did.
  virtual void on_changed(Entry& presentity, Now now, std::optional<Time> published) = 0;

  /// A registered device that has taken its state back is remembered, over a restart too, until its binding
  /// ends (`Publications::has_published`). A publication that came before its device registered becomes the
  /// device's.
  virtual bool remembers_devices() const { return false; }
  /// What is kept when `last`, the only publication of a presentity, has ended, until there is one again: a
  /// text for `Publications::farewell`. `seen`: the device's last PUBLISH. Empty: nothing.
  virtual std::string farewell(const State& /*last*/, WallTime /*seen*/) const { return {}; }

 private:
  friend class Publications;
  std::uint8_t number_ = 0;  ///< In the table.
};

}  // namespace beckon::server::publication
