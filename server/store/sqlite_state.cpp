#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <thread>
#include <utility>

#include "protocol/base/log.hpp"
#include "server/store/database.hpp"
#include "server/store/record.hpp"
#include "server/store/sqlite.hpp"

namespace beckon::store {

namespace {

constexpr std::int64_t state_file_id = 0x42434b53;  // "BCKS"

/// The first schema kept JSON. What users wrote is carried over; soft state is not: its owners refresh it.
Result<void> convert_json_records(Database& database) {
  constexpr std::int64_t document_kind{static_cast<std::uint8_t>(Kind::document)};
  auto old = database.prepare(
      "SELECT aor,key,json_extract(value,'$.etag'),json_extract(value,'$.text') FROM json_record "
      "WHERE kind=?1 AND json_valid(value)");
  if (!old) return old.error();
  auto put = database.prepare("INSERT INTO record VALUES(?1,?2,?3,?4)");
  if (!put) return put.error();
  std::int64_t documents = 0;
  auto row = old->bind(1, document_kind).step();
  for (; row && *row; row = old->step(), ++documents) {
    const std::string aor = old->text(0), key = old->text(1);
    const std::string value = RecordWriter().text(old->text(2)).text(old->text(3)).finish();
    const auto done = put->bind(1, aor).bind(2, document_kind).bind(3, key).bind_blob(4, value).run();
    if (!done) return done;
  }
  if (!row) return row.error();
  old->reset();
  const auto all = database.number("SELECT count(*) FROM json_record");
  if (!all) return all.error();
  if (*all > 0)
    log::warn("store", "the state file is brought up to date: {} documents kept, {} other records dropped",
              documents, *all - documents);
  return database.execute("DROP TABLE json_record");
}

constexpr std::array state_schema{
    Migration{"CREATE TABLE record(kind INTEGER NOT NULL, aor TEXT NOT NULL, key TEXT NOT NULL, value TEXT "
              "NOT NULL);"
              "CREATE UNIQUE INDEX record_key ON record(aor, kind, key);"
              "CREATE TABLE answer(request TEXT PRIMARY KEY, aor TEXT NOT NULL, response TEXT NOT NULL,"
              "                    until INTEGER NOT NULL) WITHOUT ROWID;"
              "CREATE TABLE counter(version INTEGER NOT NULL);"
              "INSERT INTO counter VALUES(0)"},
    Migration{"ALTER TABLE record RENAME TO json_record;"
              "CREATE TABLE record(aor TEXT NOT NULL, kind INTEGER NOT NULL, key TEXT NOT NULL, value BLOB "
              "NOT NULL,"
              "                    PRIMARY KEY(aor, kind, key)) WITHOUT ROWID;"
              "DROP TABLE answer;"
              "CREATE TABLE answer(id INTEGER PRIMARY KEY, until INTEGER NOT NULL, request TEXT NOT NULL,"
              "                    aor TEXT NOT NULL, response TEXT NOT NULL)",
              convert_json_records},
    Migration{"CREATE TABLE anchor(boot TEXT NOT NULL, origin INTEGER NOT NULL);"
              "INSERT INTO anchor VALUES('', 0)"},
    Migration{"CREATE TABLE seed(value BLOB NOT NULL)"},
    // Answers of the last 40 s are lost once, by the start that brings the file up to date.
    Migration{"DROP TABLE answer;"
              "CREATE TABLE answer_0(id INTEGER PRIMARY KEY, until INTEGER NOT NULL, request TEXT NOT NULL,"
              "                      aor TEXT NOT NULL, response TEXT NOT NULL);"
              "CREATE TABLE answer_1(id INTEGER PRIMARY KEY, until INTEGER NOT NULL, request TEXT NOT NULL,"
              "                      aor TEXT NOT NULL, response TEXT NOT NULL);"
              "CREATE TABLE answer_2(id INTEGER PRIMARY KEY, until INTEGER NOT NULL, request TEXT NOT NULL,"
              "                      aor TEXT NOT NULL, response TEXT NOT NULL)"},
};

/// How long a new server waits for one that is ending to let go of the file.
constexpr std::chrono::milliseconds state_lock_patience{500};

/// Answers go into three tables that take turns; the one whose turn begins is emptied as a whole, which costs
/// far less than to delete row by row. An answer stays for at least two turns: longer than a client repeats
/// its request (64*T1).
constexpr std::size_t answer_tables = 3;
constexpr Duration answer_turn = 20s;

/// Pages of the write-ahead log (4 KiB) after which they are copied into the file: the more, the more often a
/// page that changes again is copied once.
constexpr int checkpoint_pages = 8192;

/// Callbacks that a shard runs before its sockets and timers have their turn again.
constexpr std::size_t callbacks_per_turn = 128;

struct Owner;

/// A batch to write, or an AOR to read.
struct Job {
  std::shared_ptr<Owner> owner;
  Batch batch;
  RecordStore::Done done;
  RecordStore::Loaded loaded;  ///< Set where it is a load.
  Result<Version> result = Errc::stopped;
  Result<Held> held = Errc::stopped;

  void call_back() { loaded ? loaded(std::move(held)) : done(result); }
};

/// A shard's end: where its callbacks run, and whether anybody still waits for them.
struct Owner {
  explicit Owner(Executor its_executor) : executor(std::move(its_executor)) {}
  const Executor executor;
  // On the shard's thread only, as is what the callbacks hold:
  bool alive = true;     ///< Somebody still waits for callbacks.
  std::deque<Job> done;  ///< Their callbacks are to run.
};

void call_back(const std::shared_ptr<Owner>& owner) {
  for (std::size_t left = callbacks_per_turn; left > 0 && !owner->done.empty(); --left) {
    Job job = std::move(owner->done.front());
    owner->done.pop_front();
    job.call_back();
  }
  if (!owner->done.empty()) owner->executor([owner] { call_back(owner); });
}

/// Runs the callbacks of one shard's part of a transaction on that shard's thread, after those of earlier
/// ones.
void report(const std::shared_ptr<Owner>& owner, std::vector<Job> jobs) {
  for (Job& job : jobs) job.owner = nullptr;
  auto shared = std::make_shared<std::vector<Job>>(std::move(jobs));
  owner->executor([owner, shared] {
    const bool is_under_way = !owner->done.empty();
    if (owner->alive) std::ranges::move(*shared, std::back_inserter(owner->done));
    shared->clear();
    if (!is_under_way) call_back(owner);
  });
}

}  // namespace

struct SqliteState::Impl {
  Database database;
  Clock& clock;
  TimeScale scale;
  Secret secret{};
  Statement begin, commit, put, erase, select, raise;
  std::array<Statement, answer_tables> put_answer, empty_answers;
  Version version = 0;
  /// Whose turn it is among the tables of answers, and since when.
  struct Turn {
    std::size_t table = 0;
    Time began{};
  };
  Turn turn;
  bool is_failing = false;  ///< Logged once, not for each transaction.

  std::mutex mutex;
  std::condition_variable wake;
  std::vector<Job> queue;  ///< Guarded by `mutex`, like `stopping`.
  bool stopping = false;
  std::thread writer;

  Impl(Database opened, Clock& c) : database(std::move(opened)), clock(c) {}

  Result<void> prepare();
  Result<void> begin_turns();
  Result<void> take_scale(std::string_view boot);
  Result<void> take_secret(Random& random);
  void run();
  std::vector<Job> take(Time& last_begun);
  void write(std::vector<Job>& jobs);
  Result<void> write_all(std::vector<Job>& jobs, Now now);
  Result<void> write_one(const Batch& batch);
  Result<void> take_turns(Time now);
  Result<void> write_change(const Change& change);
  Result<Held> read(const std::string& aor);
};

Result<void> SqliteState::Impl::prepare() {
  const auto into = [&](Statement& statement, const char* sql) -> Result<void> {
    auto prepared = database.prepare(sql);
    if (!prepared) return prepared.error();
    statement = std::move(*prepared);
    return {};
  };
  const std::array<std::pair<Statement*, const char*>, 12> all{{
      {&begin, "BEGIN IMMEDIATE"},
      {&commit, "COMMIT"},
      {&put, "INSERT INTO record VALUES(?1,?2,?3,?4) ON CONFLICT DO UPDATE SET value=excluded.value"},
      {&erase, "DELETE FROM record WHERE aor=?1 AND kind=?2 AND key=?3"},
      {&put_answer[0], "INSERT INTO answer_0(until,request,aor,response) VALUES(?1,?2,?3,?4)"},
      {&put_answer[1], "INSERT INTO answer_1(until,request,aor,response) VALUES(?1,?2,?3,?4)"},
      {&put_answer[2], "INSERT INTO answer_2(until,request,aor,response) VALUES(?1,?2,?3,?4)"},
      {&empty_answers[0], "DELETE FROM answer_0"},
      {&empty_answers[1], "DELETE FROM answer_1"},
      {&empty_answers[2], "DELETE FROM answer_2"},
      {&select, "SELECT kind,key,value FROM record WHERE aor=?1"},
      {&raise, "UPDATE counter SET version=?1"},
  }};
  for (const auto& [statement, sql] : all) {
    const auto done = into(*statement, sql);
    if (!done) return done;
  }
  const auto last = database.number("SELECT version FROM counter");
  if (!last) return last.error();
  version = static_cast<Version>(*last);
  database.hold_checkpoints();
  return begin_turns();
}

/// The table that has the newest answer goes on: the one whose turn is next has the oldest ones.
Result<void> SqliteState::Impl::begin_turns() {
  const auto newest = database.number(
      "SELECT number FROM (SELECT 0 AS number, max(until) AS newest FROM answer_0"
      "              UNION SELECT 1, max(until) FROM answer_1"
      "              UNION SELECT 2, max(until) FROM answer_2) ORDER BY newest DESC LIMIT 1");
  if (!newest) return newest.error();
  turn = {static_cast<std::size_t>(*newest), clock.now().mono};
  return {};
}

/// On the disk before the first record by this scale is.
Result<void> SqliteState::Impl::take_scale(std::string_view boot) {
  Anchor anchor;
  {
    auto read = database.prepare("SELECT boot, origin FROM anchor");
    if (!read) return read.error();
    const auto row = read->step();
    if (!row) return row.error();
    if (*row) anchor = {read->text(0), WallTime(std::chrono::milliseconds(read->number(1)))};
  }
  scale = begin_scale(anchor, boot, clock.now());
  if (scale.is_exact) return {};
  auto write = database.prepare("UPDATE anchor SET boot=?1, origin=?2");
  if (!write) return write.error();
  return write->bind(1, anchor.boot).bind(2, std::int64_t{anchor.origin.time_since_epoch().count()}).run();
}

Result<void> SqliteState::Impl::take_secret(Random& random) {
  auto read = database.prepare("SELECT value FROM seed");
  if (!read) return read.error();
  const auto row = read->step();
  if (!row) return row.error();
  if (*row) {
    const std::string kept = read->text(0);
    if (kept.size() != secret.size()) return Errc::corrupt;
    std::ranges::copy(kept, secret.begin());
    return {};
  }
  random.fill(secret);
  auto write = database.prepare("INSERT INTO seed VALUES(?1)");
  if (!write) return write.error();
  return write->bind_blob(1, {reinterpret_cast<const char*>(secret.data()), secret.size()}).run();
}

/// Waits for work, and for the time of the next transaction: a lone batch is written at once, under load
/// there is one transaction per window.
std::vector<Job> SqliteState::Impl::take(Time& last_begun) {
  std::unique_lock lock(mutex);
  wake.wait(lock, [&] { return stopping || !queue.empty(); });
  const Duration wait = last_begun + group_window - clock.now().mono;
  if (wait > Duration::zero()) wake.wait_for(lock, wait, [&] { return stopping; });
  last_begun = clock.now().mono;
  return std::exchange(queue, {});
}

void SqliteState::Impl::run() {
  Time last_begun = clock.now().mono - group_window;
  for (;;) {
    std::vector<Job> jobs = take(last_begun);
    if (jobs.empty()) return;
    write(jobs);
    // One post per shard and transaction; each shard's callbacks keep their order.
    while (!jobs.empty()) {
      const std::shared_ptr<Owner> owner = jobs.front().owner;
      std::vector<Job> share, rest;
      for (Job& job : jobs) (job.owner == owner ? share : rest).push_back(std::move(job));
      report(owner, std::move(share));
      jobs = std::move(rest);
    }
    // After the callbacks are on their way, so that no answer waits for it.
    if (database.log_pages() >= checkpoint_pages)
      if (const auto done = database.checkpoint(); !done)
        log::warn("store", "checkpoint: {}", done.error().message());
  }
}

void SqliteState::Impl::write(std::vector<Job>& jobs) {
  const Version before = version;
  const Turn turn_before = turn;
  const auto done = write_all(jobs, clock.now());
  if (done) {
    if (std::exchange(is_failing, false)) log::info("store", "writing succeeds again");
    return;
  }
  // What is refused must not be committed later, so all of the transaction goes.
  (void)database.execute("ROLLBACK");
  version = before;
  turn = turn_before;
  if (!std::exchange(is_failing, true)) log::error("store", "writing fails: {}", done.error().message());
  for (Job& job : jobs) job.result = done.error() == Errc::corrupt ? Errc::corrupt : Errc::io;
}

Result<void> SqliteState::Impl::write_all(std::vector<Job>& jobs, Now now) {
  auto done = begin.run();
  if (done) done = take_turns(now.mono);
  for (Job& job : jobs) {
    if (!done) return done;
    if (job.loaded) {
      job.held = read(job.batch.aor);
      continue;
    }
    if (now.mono > job.batch.deadline) {
      job.result = Errc::late;
      continue;
    }
    done = write_one(job.batch);
    job.result = ++version;
  }
  if (done) done = raise.bind(1, static_cast<std::int64_t>(version)).run();
  if (done) done = commit.run();
  return done;
}

Result<void> SqliteState::Impl::take_turns(Time now) {
  if (now - turn.began < answer_turn) return {};
  turn = {(turn.table + 1) % answer_tables, now};
  return empty_answers[turn.table].run();
}

Result<void> SqliteState::Impl::write_one(const Batch& batch) {
  for (const Change& change : batch.changes) {
    const auto done = write_change(change);
    if (!done) return done;
  }
  if (!batch.answer) return {};
  const Answer& answer = *batch.answer;
  Statement& statement = put_answer[turn.table];
  statement.bind(1, std::int64_t{answer.until.time_since_epoch().count()});
  return statement.bind(2, answer.request).bind(3, answer.aor).bind(4, answer.response).run();
}

Result<void> SqliteState::Impl::write_change(const Change& change) {
  const Record& record = change.record;
  Statement& statement = change.erase ? erase : put;
  statement.bind(1, record.aor)
      .bind(2, std::int64_t{static_cast<std::uint8_t>(record.kind)})
      .bind(3, record.key);
  if (!change.erase) statement.bind_blob(4, record.value);
  return statement.run();
}

Result<Held> SqliteState::Impl::read(const std::string& aor) {
  Held held{.version = version, .records = {}};
  auto row = select.bind(1, aor).step();
  for (; row && *row; row = select.step())
    held.records.push_back({static_cast<Kind>(select.number(0)), aor, select.text(1), select.text(2)});
  select.reset();
  if (!row) return row.error();
  return held;
}

namespace {

class SqliteStore final : public StateStore {
 public:
  SqliteStore(SqliteState::Impl& impl, Executor executor)
      : impl_(impl), owner_(std::make_shared<Owner>(std::move(executor))) {}
  ~SqliteStore() override {
    owner_->alive = false;
    owner_->done.clear();
  }

  TimeScale scale() const override { return impl_.scale; }
  std::optional<Secret> secret() const override { return impl_.secret; }

  void commit(Batch batch, Done done) override { add({owner_, std::move(batch), std::move(done), {}}); }
  void load(const std::string& aor, Loaded loaded) override {
    add({owner_, {.aor = aor}, {}, std::move(loaded)});
  }

 private:
  void add(Job job) {
    bool was_empty = false;
    {
      const std::lock_guard lock(impl_.mutex);
      was_empty = impl_.queue.empty();
      impl_.queue.push_back(std::move(job));
    }
    if (was_empty) impl_.wake.notify_one();  // else the writer knows
  }

  SqliteState::Impl& impl_;
  std::shared_ptr<Owner> owner_;
};

Result<void> prepare_file(Database& database, Durability durability) {
  const std::string synchronous = durability == Durability::power ? "FULL" : "NORMAL";
  // An exclusive lock keeps a second server off the file, and spares SQLite the shared-memory index.
  auto done = database.execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=" +
                               synchronous + "; PRAGMA cache_size=-16384; BEGIN IMMEDIATE; COMMIT");
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
                                                       Durability durability, Clock& clock,
                                                       std::string_view boot, Random& random) {
  auto database = Database::open(file, state_lock_patience);
  if (!database) return database.error();
  auto ready = prepare_file(*database, durability);
  if (!ready) return ready.error();
  auto impl = std::make_unique<Impl>(std::move(*database), clock);
  ready = impl->prepare();
  if (ready) ready = impl->take_scale(boot);
  if (ready) ready = impl->take_secret(random);
  if (!ready) return ready.error();
  impl->writer = std::thread([raw = impl.get()] { raw->run(); });
  return std::unique_ptr<SqliteState>(new SqliteState(std::move(impl)));
}

Result<std::vector<std::string>> addresses_with(const std::filesystem::path& state_file, Kind kind,
                                                std::string_view key) {
  std::error_code absent;
  if (!std::filesystem::exists(state_file, absent)) return std::vector<std::string>();
  auto database = Database::open(state_file, state_lock_patience);
  if (!database) return database.error();
  const auto mark = database->number("PRAGMA application_id");
  if (!mark) return {boost::system::in_place_error, mark.error()};
  if (*mark != state_file_id) return std::vector<std::string>();  // a first start that was killed
  auto select = database->prepare("SELECT aor FROM record WHERE kind=?1 AND key=?2 ORDER BY aor");
  if (!select) return select.error();
  select->bind(1, static_cast<std::int64_t>(kind)).bind(2, key);
  std::vector<std::string> found;
  auto row = select->step();
  for (; row && *row; row = select->step()) found.push_back(select->text(0));
  if (!row) return row.error();
  return found;
}

SqliteState::SqliteState(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

SqliteState::~SqliteState() { finish(); }

std::size_t SqliteState::backlog() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->queue.size();
}

void SqliteState::finish() {
  if (!impl_->writer.joinable()) return;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_one();
  impl_->writer.join();
}

Result<void> SqliteState::load(Loader& loader) {
  auto records = impl_->database.prepare("SELECT kind,aor,key,value FROM record");
  auto answers = impl_->database.prepare(
      "SELECT request,aor,response,until FROM answer_0 WHERE until>=?1 UNION ALL "
      "SELECT request,aor,response,until FROM answer_1 WHERE until>=?1 UNION ALL "
      "SELECT request,aor,response,until FROM answer_2 WHERE until>=?1");
  if (!records) return records.error();
  if (!answers) return answers.error();
  auto row = records->step();
  for (; row && *row; row = records->step())
    loader.on_record(
        {static_cast<Kind>(records->number(0)), records->text(1), records->text(2), records->text(3)});
  if (!row) return row.error();
  const WallTime now = impl_->scale.at(impl_->clock.now().mono);
  answers->bind(1, std::int64_t{now.time_since_epoch().count()});
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
