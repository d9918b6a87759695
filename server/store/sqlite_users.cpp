#include <array>
#include <unordered_map>
#include <utility>

#include "server/store/database.hpp"
#include "server/store/sqlite.hpp"

namespace beckon::store {

namespace {

constexpr std::int64_t users_file_id = 0x42434b55;  // "BCKU"
constexpr std::array users_schema{
    "CREATE TABLE user(aor TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
};

/// How long to wait for another command that writes: an import is one transaction of some seconds.
constexpr std::chrono::milliseconds lock_patience{30000};

/// Users a shard keeps in memory: an entry is about 1 KB. Full, it is emptied and fills anew.
constexpr std::size_t cache_max = 10000;

}  // namespace

struct SqliteUsers::Impl {
  Database database;
  explicit Impl(Database opened) : database(std::move(opened)) {}

  Result<void> write_all(std::span<const users::User> users);
};

Result<std::unique_ptr<SqliteUsers>> SqliteUsers::open(const std::filesystem::path& file) {
  auto database = Database::open(file, lock_patience);
  if (!database) return database.error();
  auto ready = database->execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
  if (ready) ready = migrate(*database, users_file_id, users_schema);
  if (!ready) return ready.error();
  return std::unique_ptr<SqliteUsers>(new SqliteUsers(std::make_unique<Impl>(std::move(*database))));
}

SqliteUsers::SqliteUsers(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqliteUsers::~SqliteUsers() = default;

Result<void> SqliteUsers::Impl::write_all(std::span<const users::User> users) {
  auto put = database.prepare("INSERT INTO user VALUES(?1,?2)");
  if (!put) return put.error();
  for (const users::User& user : users) {
    const auto done = put->bind(1, user.aor).bind(2, print(user)).run();
    if (!done) return done;
  }
  return database.execute("COMMIT");
}

Result<void> SqliteUsers::add(std::span<const users::User> users) {
  const auto begun = impl_->database.execute("BEGIN IMMEDIATE");
  if (!begun) return begun;
  const auto done = impl_->write_all(users);
  if (!done) (void)impl_->database.execute("ROLLBACK");
  return done;
}

Result<void> SqliteUsers::update(const users::User& user) {
  auto put = impl_->database.prepare("UPDATE user SET value=?2 WHERE aor=?1");
  if (!put) return put.error();
  const auto done = put->bind(1, user.aor).bind(2, print(user)).run();
  if (done && impl_->database.changes() == 0) return Errc::not_found;
  return done;
}

Result<void> SqliteUsers::remove(std::string_view aor) {
  auto erase = impl_->database.prepare("DELETE FROM user WHERE aor=?1");
  if (!erase) return erase.error();
  const auto done = erase->bind(1, aor).run();
  if (done && impl_->database.changes() == 0) return Errc::not_found;
  return done;
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
  auto select = impl_->database.prepare("SELECT DISTINCT substr(aor, instr(aor, '@') + 1) FROM user");
  if (!select) return select.error();
  std::vector<std::string> found;
  auto row = select->step();
  for (; row && *row; row = select->step()) found.emplace_back(select->text(0));
  if (!row) return row.error();
  return found;
}

Result<std::int64_t> SqliteUsers::data_version() { return impl_->database.number("PRAGMA data_version"); }

namespace {

/// Reads on the shard's own thread: a user not yet in the cache costs one look-up in pages the kernel
/// has in memory, less than handing the question to another thread and back.
class CachedUsers final : public DurableStore {
 public:
  CachedUsers(std::unique_ptr<SqliteUsers> file, Executor executor)
      : file_(std::move(file)), executor_(std::move(executor)), alive_(std::make_shared<bool>(true)) {}
  ~CachedUsers() override { *alive_ = false; }

  void find_user(std::string_view aor, FoundUser found) override {
    executor_([alive = alive_, result = look_up(aor), found = std::move(found)] {
      if (*alive) found(result);
    });
  }

 private:
  using Found = Result<std::optional<users::User>>;

  Found look_up(std::string_view aor) {
    const auto version = file_->data_version();
    if (!version) return version.error();
    if (std::exchange(seen_, *version) != *version || cache_.size() >= cache_max) cache_.clear();
    const std::string key(aor);
    if (const auto known = cache_.find(key); known != cache_.end()) return known->second;
    auto user = file_->find(aor);
    if (!user) return user.error();
    // Unknown names are kept too, so that a guess costs the same as a hit.
    return cache_.emplace(key, std::move(*user)).first->second;
  }

  std::unique_ptr<SqliteUsers> file_;
  Executor executor_;
  std::shared_ptr<bool> alive_;
  std::unordered_map<std::string, std::optional<users::User>> cache_;
  std::int64_t seen_ = 0;
};

}  // namespace

Result<std::unique_ptr<DurableStore>> open_durable(const std::filesystem::path& users_file,
                                                   Executor executor) {
  auto file = SqliteUsers::open(users_file);
  if (!file) return file.error();
  return std::unique_ptr<DurableStore>(std::make_unique<CachedUsers>(std::move(*file), std::move(executor)));
}

}  // namespace beckon::store
