#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/random.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/time.hpp"
#include "server/store/store.hpp"

namespace beckon::store {

/// What a commit survives.
enum class Durability {
  memory,   ///< nothing: use MemoryStore
  process,  ///< kill -9 (WAL, synchronous=NORMAL)
  power,    ///< a power cut too (synchronous=FULL)
};

/// Runs a function on the thread that owns the caller. Called from the writer thread.
using Executor = std::function<void(std::function<void()>)>;

/// The state file and its writer thread: all shards' batches that wait are committed in one transaction,
/// at most `group_window` after the first of them came.
class SqliteState {
 public:
  /// Milliseconds a batch may wait for company (DESIGN 1.4).
  static constexpr Duration group_window = 2ms;

  /// Opens or makes `file`, brings an older schema up to date and takes the file for this process. `boot`
  /// names this boot of the machine (`begin_scale`); `random` makes the secret of a new file. Errors:
  /// Errc::corrupt, newer_schema, in_use, io.
  static Result<std::unique_ptr<SqliteState>> open(const std::filesystem::path& file, Durability durability,
                                                   Clock& clock, std::string_view boot, Random& random);
  ~SqliteState();
  /// Batches and reads that wait for the writer. Thread-safe.
  std::size_t backlog() const;
  /// Writes what waits, then ends the thread: no executor is called any more. Once more: no effect.
  void finish();

  /// Hands over all records, in no order, and the answers still to be given again. Before the first commit;
  /// on the caller's thread.
  Result<void> load(Loader& loader);
  /// A shard's view; it must be gone before this is.
  std::unique_ptr<StateStore> make_store(Executor executor);

  struct Impl;

 private:
  explicit SqliteState(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The users file. `beckond user ...` writes it while a server reads it. One thread each; other processes
/// may have it open.
class SqliteUsers {
 public:
  /// Errors: Errc::corrupt, newer_schema, io.
  static Result<std::unique_ptr<SqliteUsers>> open(const std::filesystem::path& file);
  ~SqliteUsers();

  /// Adds all or none. Errors: Errc::exists.
  Result<void> add(std::span<const users::User> users);
  /// Replaces one. Errors: Errc::not_found.
  Result<void> update(const users::User& user);
  Result<void> remove(std::string_view aor);

  /// A user whose access was taken away and of whom the server may still keep something.
  struct Gone {
    std::string aor;
    bool removed = false;  ///< Else disabled.
    bool operator==(const Gone&) const = default;
  };
  /// Those that `forget_gone` was not called for since, in no order.
  Result<std::vector<Gone>> gone();
  Result<void> forget_gone(std::span<const Gone> ended);

  Result<std::optional<users::User>> find(std::string_view aor);
  /// The AOR of the user one of whose `users::name_hashes` this is; empty for none.
  Result<std::string> find_by_hash(std::string_view hash);
  /// In order of AOR.
  Result<void> each(const std::function<void(const users::User&)>& visit);
  Result<std::size_t> count();
  /// Domains of all users, each once.
  Result<std::vector<std::string>> domains();
  /// Changes when another connection has changed the file.
  Result<std::int64_t> data_version();
  /// Does a state file belong to this one? Then one that is missing or empty was lost, and was not merely
  /// never finished. Kept in the users file; false in a new one.
  Result<bool> has_state_file();
  Result<void> set_has_state_file(bool has);

  struct Impl;

 private:
  explicit SqliteUsers(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The addresses-of-record that have a record of that kind and key in a state file that no server has open;
/// in order. None where there is no file. Errors: Errc::in_use, io, corrupt.
Result<std::vector<std::string>> addresses_with(const std::filesystem::path& state_file, Kind kind,
                                                std::string_view key);

/// A shard's reading view of a users file, with a cache that notices other processes' changes
/// (`PRAGMA data_version`), and `records`, which keeps the documents and messages; null for users alone. The
/// executor must run functions later, on the caller's thread. Errors: as SqliteUsers::open.
Result<std::unique_ptr<DurableStore>> open_durable(const std::filesystem::path& users_file, Executor executor,
                                                   std::unique_ptr<RecordStore> records = nullptr);

}  // namespace beckon::store
