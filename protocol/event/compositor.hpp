#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "protocol/base/time.hpp"

namespace beckon::event {

/// What a device published, in the form its package keeps (RFC 3903 3: event state).
class EventState {
 public:
  virtual ~EventState() = default;
  /// True if this initial publication comes from the device that once published `restored`, a state that is
  /// incomplete, or that nobody removed. Asked where the devices' names do not tell.
  virtual bool supersedes(const EventState& /*restored*/) const { return false; }
};

/// One publication (RFC 3903 6). There are many: the fields stand in the order that leaves no gaps.
struct Publication {
  std::unique_ptr<EventState> state{};
  std::uint64_t etag = 0;    ///< The entity-tag that the device must name next; never 0.
  std::uint64_t device = 0;  ///< The device's name, shortened; 0: unknown.
  Time expires{};
  Time renewed{};  ///< The device's last PUBLISH: the device silent for longest gives way to an eleventh.
  std::uint32_t size = 0;    ///< Elements of the state, as its package counts them.
  std::uint16_t number = 0;  ///< Stays while the entity-tag changes; unique among the presentity's.
  std::uint8_t package = 0;
  /// Read from the store without the parts that are never stored: a refresh is answered 412, so that the
  /// device sends the whole, and the same device's next initial PUBLISH takes its place.
  bool incomplete = false;
};

/// The publications of one presentity, for every package. A PUBLISH is planned first, and applied when the
/// store has the change: nothing may be planned in between.
class Compositor {
 public:
  /// Of one package.
  struct Limits {
    /// A person has few devices, and each publication costs a share of every NOTIFY. Past it the same
    /// device's oldest gives way, then the oldest (DESIGN 7).
    std::size_t publications = 10;
    std::size_t size = 256;  ///< Sum of `Publication::size`. Past it a PUBLISH is refused.
  };

  /// A PUBLISH, authorised and its body read.
  struct Request {
    std::uint8_t package = 0;
    std::optional<std::uint64_t> if_match{};  ///< SIP-If-Match; absent: initial. 0 matches none.
    const EventState* state = nullptr;        ///< Null: no body.
    std::uint32_t size = 0;                   ///< Of `state`.
    std::chrono::seconds expires{};           ///< As granted; 0 removes.
    /// Of an initial PUBLISH its device; 0: unknown. Of another: the device that the publication turns out to
    /// be of; 0: it stays as it is.
    std::uint64_t device = 0;
    /// For an initial PUBLISH: numbers of publications that came from the same place.
    std::span<const std::uint16_t> siblings{};
  };

  /// What a PUBLISH changes.
  struct Plan {
    enum class Verdict : std::uint8_t {
      taken,         ///< 200.
      unknown_etag,  ///< 412.
      no_body,       ///< 400: an initial PUBLISH without body (RFC 3903 4.1, table 1).
      over_quota,    ///< 403: more elements than Limits::size.
    };
    Verdict verdict = Verdict::taken;
    bool changes = false;  ///< The presentity's state changes: compose and notify.
    bool removes = false;  ///< Publication `number` goes (Expires 0); of an initial PUBLISH there is none.
    std::uint16_t number = 0;
    std::uint64_t device = 0;  ///< Of publication `number`.
    Time expires{};
    Time renewed{};
    std::vector<std::uint16_t> displaced{};  ///< Numbers of other publications that give way.
  };

  Plan plan(const Request& request, const Limits& limits, Time now) const;
  /// Makes a taken plan true. `etag` is fresh. `state` is the request's; null: no body. Returns the state
  /// that was replaced or removed, if any.
  std::unique_ptr<EventState> apply(const Plan& plan, const Request& request, std::uint64_t etag,
                                    std::unique_ptr<EventState> state);

  /// Numbers of those that have expired.
  std::vector<std::uint16_t> expired(Time now) const;
  /// When the first of all expires.
  std::optional<Time> deadline() const;

  /// Puts back what was stored. False, and nothing is put back: its number is taken, or the package's sum of
  /// sizes would pass `limits`.
  bool restore(Publication publication, const Limits& limits);
  void erase(std::uint16_t number);

  /// Oldest first, of all packages.
  std::span<Publication> publications() { return publications_; }
  std::span<const Publication> publications() const { return publications_; }
  const Publication* find(std::uint16_t number) const;
  const Publication* find_etag(std::uint8_t package, std::uint64_t etag) const;
  bool empty() const { return publications_.empty(); }

 private:
  Plan plan_initial(const Request& request, const Limits& limits, Time now) const;
  Plan plan_known(const Publication& known, const Request& request, Time now) const;
  void make_room(const Request& request, const Limits& limits, Plan& plan) const;
  bool fits(const Request& request, const Limits& limits, const Plan& plan) const;
  std::uint16_t unused_number() const;

  std::vector<Publication> publications_;
};

}  // namespace beckon::event
