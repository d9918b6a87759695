#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/config/config.hpp"
#include "server/daemon/failure.hpp"
#include "server/daemon/seat.hpp"
#include "server/store/sqlite.hpp"

namespace beckon::server {

/// The data folder's databases. Destroyed after the seats, which hold views of them, and finished before.
class StoreFiles {
 public:
  /// Makes the data folder if there is none, opens its databases, and gives every seat its view. Refuses a
  /// folder that has lost one of them (`admin::problem_of_users`, `problem_of_state`).
  std::optional<Failure> open(const Config& config, const Seats& seats);
  /// Hands the stored records to `loader`, before the first commit.
  std::optional<Failure> load(const Config& config, store::Loader& loader);
  /// The domains of the users; empty, and logged, when they cannot be read.
  std::vector<std::string> user_domains();
  /// Users who may not come in any more since the last call of `forget_gone` for them; empty, and logged,
  /// when they cannot be read.
  std::vector<store::SqliteUsers::Gone> gone_users();
  void forget_gone(const std::vector<store::SqliteUsers::Gone>& ended);
  /// Is there such a user, and enabled? False, and logged, when it cannot be read.
  bool may_come_in(const std::string& aor);
  /// Batches that wait for the state file.
  std::size_t backlog() const { return state_ ? state_->backlog() : 0; }
  /// Writes what waits; nothing is posted to the seats any more.
  void finish();

 private:
  std::optional<Failure> open_state(const Config& config);
  std::optional<Failure> open_view(const Config& config, Seat& seat);

  SystemClock clock_;
  std::unique_ptr<store::SqliteState> state_;  ///< Null for --durability memory.
  std::unique_ptr<store::SqliteUsers> users_;
};

}  // namespace beckon::server
