#include <algorithm>
#include <array>
#include <utility>

#include "protocol/base/text.hpp"
#include "server/store/database.hpp"
#include "server/store/recent.hpp"
#include "server/store/sqlite.hpp"

namespace beckon::store {

namespace {

constexpr std::int64_t users_file_id = 0x42434b55;  // "BCKU"
constexpr std::array users_schema{
    Migration{"CREATE TABLE user(aor TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"},
    // Whose a hashed name is (RFC 7616 3.4.4): the first 64 bits of each of a user's six hashes.
    Migration{
        "CREATE TABLE name_hash(start INTEGER NOT NULL, aor TEXT NOT NULL, PRIMARY KEY(start, aor)) WITHOUT "
        "ROWID;"
        "INSERT OR IGNORE INTO name_hash SELECT hash_start(aor, which.column1), aor FROM user,"
        "(VALUES(0),(1),(2),(3),(4),(5)) AS which"},
    Migration{"CREATE TABLE gone(aor TEXT PRIMARY KEY, removed INTEGER NOT NULL) WITHOUT ROWID"},
};

/// The first 64 bits of a hash in hexadecimal; 0 for another text.
std::int64_t start_of(std::string_view hash) {
  return static_cast<std::int64_t>(parse_number<std::uint64_t>(hash.substr(0, 16), 16).value_or(0));
}

std::int64_t hash_start(std::string_view aor, std::int64_t which) {
  const auto hashes = users::name_hashes(aor);
  const auto at = static_cast<std::size_t>(which);
  return at < hashes.size() ? start_of(hashes[at]) : 0;
}

/// How long to wait for another command that writes: an import is one transaction of some seconds.
constexpr std::chrono::milliseconds users_lock_patience{30000};

/// Users a shard keeps in memory, those asked for last: an entry is about 1 KB.
constexpr std::size_t users_max = 40000;

}  // namespace

struct SqliteUsers::Impl {
  Database database;
  Statement version;  ///< Kept, as each look-up asks it.
  explicit Impl(Database opened) : database(std::move(opened)) {}

  Result<void> write_all(std::span<const users::User> users);
  Result<void> erase(std::string_view aor);
  /// Notes it for `gone`. A note that the user was removed outlasts one that the user was disabled.
  Result<void> note_gone(std::string_view aor, bool removed);
  /// Runs `write` in a transaction; all of it or nothing happens.
  Result<void> together(const std::function<Result<void>()>& write);
};

Result<std::unique_ptr<SqliteUsers>> SqliteUsers::open(const std::filesystem::path& file) {
  auto database = Database::open(file, users_lock_patience);
  if (!database) return database.error();
  auto ready = database->execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
  if (ready) ready = database->define("hash_start", hash_start);
  if (ready) ready = migrate(*database, users_file_id, users_schema);
  if (!ready) return ready.error();
  auto impl = std::make_unique<Impl>(std::move(*database));
  auto version = impl->database.prepare("PRAGMA data_version");
  if (!version) return version.error();
  impl->version = std::move(*version);
  return std::unique_ptr<SqliteUsers>(new SqliteUsers(std::move(impl)));
}

SqliteUsers::SqliteUsers(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqliteUsers::~SqliteUsers() = default;

Result<void> SqliteUsers::Impl::write_all(std::span<const users::User> users) {
  auto put = database.prepare("INSERT INTO user VALUES(?1,?2)");
  if (!put) return put.error();
  auto put_hash = database.prepare("INSERT OR IGNORE INTO name_hash VALUES(?1,?2)");
  if (!put_hash) return put_hash.error();
  for (const users::User& user : users) {
    auto done = put->bind(1, user.aor).bind(2, print(user)).run();
    for (const std::string& hash : users::name_hashes(user.aor)) {
      if (done) done = put_hash->bind(1, start_of(hash)).bind(2, user.aor).run();
    }
    if (!done) return done;
  }
  return {};
}

Result<void> SqliteUsers::Impl::erase(std::string_view aor) {
  auto user = database.prepare("DELETE FROM user WHERE aor=?1");
  if (!user) return user.error();
  auto done = user->bind(1, aor).run();
  if (done && database.changes() == 0) return Errc::not_found;
  auto hash = database.prepare("DELETE FROM name_hash WHERE start=?1 AND aor=?2");
  if (!hash) return hash.error();
  for (const std::string& each : users::name_hashes(aor)) {
    if (done) done = hash->bind(1, start_of(each)).bind(2, aor).run();
  }
  return done;
}

Result<void> SqliteUsers::Impl::note_gone(std::string_view aor, bool removed) {
  auto put = database.prepare(
      "INSERT INTO gone VALUES(?1,?2) ON CONFLICT(aor) DO UPDATE SET removed=max(removed,?2)");
  if (!put) return put.error();
  return put->bind(1, aor).bind(2, std::int64_t{removed}).run();
}

Result<void> SqliteUsers::Impl::together(const std::function<Result<void>()>& write) {
  auto done = database.execute("BEGIN IMMEDIATE");
  if (!done) return done;
  done = write();
  if (done) done = database.execute("COMMIT");
  if (!done) (void)database.execute("ROLLBACK");
  return done;
}

Result<void> SqliteUsers::add(std::span<const users::User> users) {
  return impl_->together([&] { return impl_->write_all(users); });
}

Result<void> SqliteUsers::update(const users::User& user) {
  return impl_->together([&]() -> Result<void> {
    auto put = impl_->database.prepare("UPDATE user SET value=?2 WHERE aor=?1");
    if (!put) return put.error();
    const auto done = put->bind(1, user.aor).bind(2, print(user)).run();
    if (done && impl_->database.changes() == 0) return Errc::not_found;
    return done && !user.enabled ? impl_->note_gone(user.aor, false) : done;
  });
}

Result<void> SqliteUsers::remove(std::string_view aor) {
  return impl_->together([&]() -> Result<void> {
    const auto done = impl_->erase(aor);
    return done ? impl_->note_gone(aor, true) : done;
  });
}

Result<std::vector<SqliteUsers::Gone>> SqliteUsers::gone() {
  auto select = impl_->database.prepare("SELECT aor, removed FROM gone");
  if (!select) return select.error();
  std::vector<Gone> all;
  auto row = select->step();
  for (; row && *row; row = select->step())
    all.push_back({std::string(select->text(0)), select->number(1) != 0});
  if (!row) return row.error();
  return all;
}

Result<void> SqliteUsers::forget_gone(std::span<const Gone> ended) {
  return impl_->together([&]() -> Result<void> {
    auto erase = impl_->database.prepare("DELETE FROM gone WHERE aor=?1 AND removed=?2");
    if (!erase) return erase.error();
    for (const Gone& each : ended) {
      const auto done = erase->bind(1, each.aor).bind(2, std::int64_t{each.removed}).run();
      if (!done) return done;
    }
    return {};
  });
}

Result<std::optional<users::User>> SqliteUsers::find(std::string_view aor) {
  auto select = impl_->database.prepare("SELECT value FROM user WHERE aor=?1");
  if (!select) return select.error();
  const auto row = select->bind(1, aor).step();
  if (!row) return row.error();
  if (!*row) return std::optional<users::User>();
  auto user = users::parse_user(select->text(0));
  if (!user) return Errc::corrupt;
  return std::optional(std::move(*user));
}

Result<std::string> SqliteUsers::find_by_hash(std::string_view hash) {
  const auto is_hash_of = [hash](std::string_view aor) {
    const auto hashes = users::name_hashes(aor);
    return std::ranges::find(hashes, hash) != hashes.end();
  };
  auto select = impl_->database.prepare("SELECT aor FROM name_hash WHERE start=?1");
  if (!select) return select.error();
  auto row = select->bind(1, start_of(hash)).step();
  // A guess costs the hashes that a hit does (RFC 7616 5.7).
  if (row && !*row) (void)is_hash_of("sip:nobody@localhost");
  for (; row && *row; row = select->step()) {
    std::string aor = select->text(0);
    if (is_hash_of(aor)) return aor;
  }
  if (!row) return row.error();
  return std::string();
}

Result<void> SqliteUsers::each(const std::function<void(const users::User&)>& visit) {
  auto select = impl_->database.prepare("SELECT value FROM user ORDER BY aor");
  if (!select) return select.error();
  auto row = select->step();
  for (; row && *row; row = select->step()) {
    const auto user = users::parse_user(select->text(0));
    if (!user) return Errc::corrupt;
    visit(*user);
  }
  if (!row) return row.error();
  return {};
}

Result<std::size_t> SqliteUsers::count() {
  const auto found = impl_->database.number("SELECT count(*) FROM user");
  if (!found) return found.error();
  return static_cast<std::size_t>(*found);
}

Result<std::vector<std::string>> SqliteUsers::domains() {
  auto select =
      impl_->database.prepare("SELECT DISTINCT trim(substr(aor, instr(aor, '@') + 1), '[]') FROM user");
  if (!select) return select.error();
  std::vector<std::string> found;
  auto row = select->step();
  for (; row && *row; row = select->step()) found.emplace_back(select->text(0));
  if (!row) return row.error();
  return found;
}

Result<std::int64_t> SqliteUsers::data_version() {
  const auto row = impl_->version.step();
  if (!row) return row.error();
  const std::int64_t number = *row ? impl_->version.number(0) : 0;
  impl_->version.reset();
  return number;
}

Result<bool> SqliteUsers::has_state_file() {
  const auto mark = impl_->database.number("PRAGMA user_version");
  if (!mark) return {boost::system::in_place_error, mark.error()};
  return *mark != 0;
}

Result<void> SqliteUsers::set_has_state_file(bool has) {
  return impl_->database.execute(has ? "PRAGMA user_version=1" : "PRAGMA user_version=0");
}

namespace {

/// Reads on the shard's own thread: a user not yet in the cache costs one look-up in pages the kernel
/// has in memory, less than handing the question to another thread and back.
class CachedUsers final : public DurableStore {
 public:
  CachedUsers(std::unique_ptr<SqliteUsers> file, Executor executor, std::unique_ptr<RecordStore> records)
      : file_(std::move(file)),
        executor_(std::move(executor)),
        records_(std::move(records)),
        alive_(std::make_shared<bool>(true)) {}
  ~CachedUsers() override { *alive_ = false; }

  bool keeps_records() const override { return records_ && records_->keeps_records(); }
  void commit(Batch batch, Done done) override { records_->commit(std::move(batch), std::move(done)); }
  void load(const std::string& aor, Loaded loaded) override { records_->load(aor, std::move(loaded)); }

  void find_user(std::string_view aor, FoundUser found) override { tell(look_up(aor), std::move(found)); }

  void find_user_by_hash(std::string_view hash, FoundUser found) override {
    const auto aor = aor_of(hash);
    if (!aor) return tell(aor.error(), std::move(found));
    tell(look_up(*aor), std::move(found));
  }

 private:
  void tell(Result<UserPtr> result, FoundUser found) {
    executor_([alive = alive_, result = std::move(result), found = std::move(found)] {
      if (*alive) found(result);
    });
  }

  /// Forgets all when a command has changed the file since.
  Result<void> refresh() {
    const auto version = file_->data_version();
    if (!version) return version.error();
    if (std::exchange(seen_, *version) == *version) return {};
    users_.clear();
    names_.clear();
    return {};
  }

  Result<UserPtr> look_up(std::string_view aor) {
    if (const auto fresh = refresh(); !fresh) return fresh.error();
    if (const UserPtr* known = users_.find(aor)) return *known;
    auto user = file_->find(aor);
    if (!user) return user.error();
    // Unknown names are kept too, so that a guess costs the same as a hit.
    UserPtr kept = *user ? std::make_shared<users::User>(std::move(**user)) : nullptr;
    return users_.put(aor, std::move(kept));
  }

  /// Empty for a hash of no user's name.
  Result<std::string> aor_of(std::string_view hash) {
    if (hash.size() != 32 && hash.size() != 64) return std::string();  // no hash: not kept
    if (const auto fresh = refresh(); !fresh) return fresh.error();
    if (const std::string* known = names_.find(hash)) return *known;
    auto aor = file_->find_by_hash(hash);
    if (!aor) return aor.error();
    return names_.put(hash, std::move(*aor));
  }

  std::unique_ptr<SqliteUsers> file_;
  Executor executor_;
  std::unique_ptr<RecordStore> records_;
  std::shared_ptr<bool> alive_;
  Recent<UserPtr> users_{users_max};
  Recent<std::string> names_{users_max};  ///< Hashed name -> AOR.
  std::int64_t seen_ = 0;
};

}  // namespace

Result<std::unique_ptr<DurableStore>> open_durable(const std::filesystem::path& users_file, Executor executor,
                                                   std::unique_ptr<RecordStore> records) {
  auto file = SqliteUsers::open(users_file);
  if (!file) return file.error();
  return std::unique_ptr<DurableStore>(
      std::make_unique<CachedUsers>(std::move(*file), std::move(executor), std::move(records)));
}

}  // namespace beckon::store
