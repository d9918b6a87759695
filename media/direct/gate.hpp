#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "media/direct/hello.hpp"
#include "media/direct/types.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/time.hpp"
#include "protocol/crypto/crypto.hpp"
#include "protocol/ds1/ticket.hpp"

namespace beckon::direct {

inline constexpr std::size_t replay_set_max = 4096;      ///< HELLOs remembered per epoch (DIRECT_SESSIONS 6).
inline constexpr std::size_t hellos_per_aor_window = 5;  ///< Per 10 s (6).
inline constexpr std::size_t hellos_per_aor_epoch = 1024;  ///< 6
inline constexpr std::size_t hellos_per_second = 50;       ///< In all (6).
inline constexpr Duration aor_window = 10s;
inline constexpr Duration old_epoch_time = 30s;  ///< How long the previous epoch stays valid (3).

/// Counts events and says when there are too many: at most `limit` within `window`.
class Rate {
 public:
  Rate(std::size_t limit, Duration window) : limit_(limit), window_(window) {}
  /// True, and counted, if the limit allows one more.
  bool take(Time now);
  bool has_room(Time now) const;
  bool is_idle(Time now) const { return times_.empty() || times_.back() + window_ <= now; }

 private:
  std::size_t limit_;
  Duration window_;
  std::deque<Time> times_;
};

/// What the gate decides about a HELLO.
struct Admission {
  enum class Verdict {
    drop,             ///< Send nothing.
    unknown_epoch,    ///< Error 438.
    unknown_version,  ///< Error 400.
    duplicate,        ///< Seen before: repeat the response of `session`, if it lives.
    admitted,         ///< A new HELLO whose sender has the permission.
  };
  Verdict verdict = Verdict::drop;
  CallId session = 0;  ///< With `duplicate`.
  ds1::Epoch epoch{};
  ds1::Permission ticket;
  std::optional<OpenedHello> hello;  ///< With `admitted`.
};

/// Admits HELLOs on the callee's side (DIRECT_SESSIONS 6, steps 1 to 6): epochs and their secrets, replay,
/// tickets, MAC and rates are checked in the order of their cost.
class Gate {
 public:
  explicit Gate(crypto::KeyPair device) : device_(device) {}
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  void set_epoch(const ds1::Epoch& epoch, const crypto::Key32& secret, Time now);
  /// Destroys the secret of an epoch that has expired. Call when `old_epoch_time` has passed.
  void expire(Time now);
  bool is_three_quarters_full() const;

  void set_permit(std::string_view aor, ds1::Mode mode);
  void set_blocked(std::string_view aor, bool blocked);
  /// min(latest `permit`, ask if there is none); off if blocked.
  ds1::Mode permit_of(std::string_view aor) const;

  /// `session` is what an admitted HELLO will be remembered under.
  Admission judge(ByteView attribute, CallId session, Time now);

 private:
  struct Seen {
    std::array<std::uint8_t, 16> mac{};
    CallId session = 0;
  };
  struct EpochState {
    ds1::Epoch id{};
    crypto::Key32 secret{};
    std::optional<Time> dies;                           ///< Absent: the current epoch.
    std::unordered_map<std::string, Seen> replay;       ///< By `enc`.
    std::unordered_map<std::string, std::size_t> used;  ///< By AOR.
  };
  EpochState* find_epoch(const ds1::Epoch& id, Time now);
  bool take_rate(EpochState& epoch, const std::string& aor, Time now);

  crypto::KeyPair device_;
  std::vector<EpochState> epochs_;  ///< At most two, the newest last.
  std::unordered_map<std::string, ds1::Mode> permits_;
  std::unordered_set<std::string> blocked_;
  std::unordered_map<std::string, Rate> per_aor_;
  Rate in_all_{hellos_per_second, 1s};
};

}  // namespace beckon::direct
