#include <array>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "protocol/base/log.hpp"
#include "server/store/database.hpp"
#include "server/store/sqlite.hpp"

namespace beckon::store {

namespace {

constexpr std::int64_t state_file_id = 0x42434b53;  // "BCKS"
constexpr std::array state_schema{
    "CREATE TABLE record(kind INTEGER NOT NULL, aor TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL);"
    "CREATE UNIQUE INDEX record_key ON record(aor, kind, key);"
    "CREATE TABLE answer(request TEXT PRIMARY KEY, aor TEXT NOT NULL, response TEXT NOT NULL,"
    "                    until INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE counter(version INTEGER NOT NULL);"
    "INSERT INTO counter VALUES(0)",
};

/// How long a new server waits for one that is ending to let go of the file.
constexpr std::chrono::milliseconds lock_patience{500};

/// A shard's end: where its callbacks run, and whether anybody still waits for them.
struct Owner {
  Executor executor;
  bool alive = true;  ///< Touched on the shard's thread only.
};

struct Entry {
  std::shared_ptr<Owner> owner;
  Batch batch;
  StateStore::Done done;
  Result<Version> result = Errc::stopped;
};

/// Runs the callbacks of one shard's part of a transaction on that shard's thread.
void report(std::shared_ptr<Owner> owner, std::vector<Entry> entries) {
  auto shared = std::make_shared<std::vector<Entry>>(std::move(entries));
  const Executor& executor = owner->executor;
  executor([owner = std::move(owner), shared] {
    for (Entry& entry : *shared)
      if (owner->alive) entry.done(entry.result);
  });
}

}  // namespace

struct SqliteState::Impl {
  Database database;
  Clock& clock;
  Statement put, erase, put_answer, prune, raise;
  Version version = 0;
  Time pruned{};

  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Entry> queue;  ///< Guarded by `mutex`, like `stopping`.
  bool stopping = false;
  std::thread writer;

  Impl(Database opened, Clock& c) : database(std::move(opened)), clock(c) {}

  Result<void> prepare();
  void run();
  std::vector<Entry> take(Time& last_begun);
  void write(std::vector<Entry>& entries);
  Result<void> write_all(std::vector<Entry>& entries, Now now);
  Result<void> write_one(const Batch& batch);
  Result<void> write_change(const Change& change);
};

Result<void> SqliteState::Impl::prepare() {
  const auto into = [&](Statement& statement, const char* sql) -> Result<void> {
    auto prepared = database.prepare(sql);
    if (!prepared) return prepared.error();
    statement = std::move(*prepared);
    return {};
  };
  const std::array<std::pair<Statement*, const char*>, 5> all{{
      {&put,
       "INSERT INTO record VALUES(?1,?2,?3,?4) ON CONFLICT(aor,kind,key) DO UPDATE SET value=excluded.value"},
      {&erase, "DELETE FROM record WHERE kind=?1 AND aor=?2 AND key=?3"},
      {&put_answer, "INSERT OR REPLACE INTO answer VALUES(?1,?2,?3,?4)"},
      {&prune, "DELETE FROM answer WHERE until<?1"},
      {&raise, "UPDATE counter SET version=?1"},
  }};
  for (const auto& [statement, sql] : all) {
    const auto done = into(*statement, sql);
    if (!done) return done;
  }
  const auto last = database.number("SELECT version FROM counter");
  if (!last) return last.error();
  version = static_cast<Version>(*last);
  return {};
}

/// Waits for work, and for the time of the next transaction: a lone batch is written at once, under load
/// there is one transaction per window.
std::vector<Entry> SqliteState::Impl::take(Time& last_begun) {
  std::unique_lock lock(mutex);
  wake.wait(lock, [&] { return stopping || !queue.empty(); });
  const Duration wait = last_begun + group_window - clock.now().mono;
  if (wait > Duration::zero()) wake.wait_for(lock, wait, [&] { return stopping; });
  last_begun = clock.now().mono;
  std::vector<Entry> entries(std::make_move_iterator(queue.begin()), std::make_move_iterator(queue.end()));
  queue.clear();
  return entries;
}

void SqliteState::Impl::run() {
  Time last_begun = clock.now().mono - group_window;
  for (;;) {
    std::vector<Entry> entries = take(last_begun);
    if (entries.empty()) return;
    write(entries);
    // One post per shard and transaction; each shard's callbacks keep their order.
    std::map<std::shared_ptr<Owner>, std::vector<Entry>> shares;
    for (Entry& entry : entries) shares[entry.owner].push_back(std::move(entry));
    for (auto& [owner, share] : shares) report(owner, std::move(share));
  }
}

void SqliteState::Impl::write(std::vector<Entry>& entries) {
  const Version before = version;
  const auto done = write_all(entries, clock.now());
  if (done) return;
  // What is refused must not be committed later, so all of the transaction goes.
  (void)database.execute("ROLLBACK");
  version = before;
  log::error("store", "transaction of {} batches failed: {}", entries.size(), done.error().message());
  for (Entry& entry : entries) entry.result = done.error() == Errc::corrupt ? Errc::corrupt : Errc::io;
}

Result<void> SqliteState::Impl::write_all(std::vector<Entry>& entries, Now now) {
  auto done = database.execute("BEGIN IMMEDIATE");
  for (Entry& entry : entries) {
    if (!done) return done;
    if (now.mono > entry.batch.deadline) {
      entry.result = Errc::late;
      continue;
    }
    done = write_one(entry.batch);
    entry.result = ++version;
  }
  if (done && now.mono - pruned >= prune_interval) {
    pruned = now.mono;
    done = prune.bind(1, std::int64_t{now.wall.time_since_epoch().count()}).run();
  }
  if (done) done = raise.bind(1, static_cast<std::int64_t>(version)).run();
  if (done) done = database.execute("COMMIT");
  return done;
}

Result<void> SqliteState::Impl::write_one(const Batch& batch) {
  for (const Change& change : batch.changes) {
    const auto done = write_change(change);
    if (!done) return done;
  }
  if (!batch.answer) return {};
  const Answer& answer = *batch.answer;
  put_answer.bind(1, answer.request).bind(2, answer.aor).bind(3, answer.response);
  return put_answer.bind(4, std::int64_t{answer.until.time_since_epoch().count()}).run();
}

Result<void> SqliteState::Impl::write_change(const Change& change) {
  const Record& record = change.record;
  Statement& statement = change.erase ? erase : put;
  statement.bind(1, std::int64_t{static_cast<std::uint8_t>(record.kind)})
      .bind(2, record.aor)
      .bind(3, record.key);
  if (!change.erase) statement.bind(4, record.value);
  return statement.run();
}

namespace {

class SqliteStore final : public StateStore {
 public:
  SqliteStore(SqliteState::Impl& impl, Executor executor)
      : impl_(impl), owner_(std::make_shared<Owner>(Owner{std::move(executor)})) {}
  ~SqliteStore() override { owner_->alive = false; }

  void commit(Batch batch, Done done) override {
    {
      const std::lock_guard lock(impl_.mutex);
      impl_.queue.push_back({owner_, std::move(batch), std::move(done)});
    }
    impl_.wake.notify_one();
  }

 private:
  SqliteState::Impl& impl_;
  std::shared_ptr<Owner> owner_;
};

Result<void> prepare_file(Database& database, Durability durability) {
  const std::string synchronous = durability == Durability::power ? "FULL" : "NORMAL";
  // An exclusive lock keeps a second server off the file, and spares SQLite the shared-memory index.
  auto done = database.execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=" +
                               synchronous + "; BEGIN IMMEDIATE; COMMIT");
  if (!done) return done;
  done = migrate(database, state_file_id, state_schema);
  if (!done) return done;
  const auto sound = database.number("SELECT count(*) FROM pragma_quick_check(1) WHERE quick_check='ok'");
  if (!sound) return sound.error();
  if (*sound == 0) return Errc::corrupt;
  return {};
}

}  // namespace

Result<std::unique_ptr<SqliteState>> SqliteState::open(const std::filesystem::path& file,
                                                       Durability durability, Clock& clock) {
  auto database = Database::open(file, lock_patience);
  if (!database) return database.error();
  auto ready = prepare_file(*database, durability);
  if (!ready) return ready.error();
  auto impl = std::make_unique<Impl>(std::move(*database), clock);
  ready = impl->prepare();
  if (!ready) return ready.error();
  impl->writer = std::thread([raw = impl.get()] { raw->run(); });
  return std::unique_ptr<SqliteState>(new SqliteState(std::move(impl)));
}

SqliteState::SqliteState(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

SqliteState::~SqliteState() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_one();
  impl_->writer.join();
}

Result<void> SqliteState::load(Loader& loader) {
  auto records = impl_->database.prepare("SELECT kind,aor,key,value FROM record");
  auto answers = impl_->database.prepare("SELECT request,aor,response,until FROM answer WHERE until>=?1");
  if (!records) return records.error();
  if (!answers) return answers.error();
  auto row = records->step();
  for (; row && *row; row = records->step())
    loader.on_record(
        {static_cast<Kind>(records->number(0)), records->text(1), records->text(2), records->text(3)});
  if (!row) return row.error();
  answers->bind(1, std::int64_t{impl_->clock.now().wall.time_since_epoch().count()});
  for (row = answers->step(); row && *row; row = answers->step())
    loader.on_answer({answers->text(0), answers->text(1), answers->text(2),
                      WallTime(std::chrono::milliseconds(answers->number(3)))});
  if (!row) return row.error();
  return {};
}

std::unique_ptr<StateStore> SqliteState::make_store(Executor executor) {
  return std::make_unique<SqliteStore>(*impl_, std::move(executor));
}

}  // namespace beckon::store
