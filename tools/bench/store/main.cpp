// What a change costs in each engine that could keep the state: CPU of the whole process for each change,
// octets written, seconds to read everything back. The same records for all, in groups as the writer thread
// makes them.
#include <lmdb.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Change {
  std::string key;  ///< AOR, kind and key.
  std::string value;
  std::string request, response;  ///< The answer kept with it.
};
using Group = std::vector<Change>;

/// Keeps records by key and the last answers.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual void write(const Group& group) = 0;
  virtual std::size_t count() = 0;
};

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

class Sqlite : public Engine {
 public:
  Sqlite(const fs::path& folder, const std::string& pragmas, const std::string& schema, const char* put,
         const char* answer) {
    if (sqlite3_open((folder / "state.db").c_str(), &database_) != SQLITE_OK) fail("open");
    execute(pragmas + "PRAGMA locking_mode=EXCLUSIVE;PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;");
    execute(schema);
    put_ = prepare(put);
    answer_ = prepare(answer);
    begin_ = prepare("BEGIN IMMEDIATE");
    commit_ = prepare("COMMIT");
  }
  ~Sqlite() override {
    for (auto* statement : {put_, answer_, begin_, commit_}) sqlite3_finalize(statement);
    sqlite3_close(database_);
  }
  void write(const Group& group) override {
    run(begin_);
    for (const Change& change : group) write_one(change);
    run(commit_);
  }
  std::size_t count() override {
    auto* all = prepare("SELECT key,value FROM record");
    std::size_t found = 0;
    while (sqlite3_step(all) == SQLITE_ROW) ++found;
    sqlite3_finalize(all);
    return found;
  }

 protected:
  virtual void write_one(const Change& change) {
    text(put_, 1, change.key);
    text(put_, 2, change.value);
    run(put_);
    text(answer_, 1, change.request);
    text(answer_, 2, change.response);
    run(answer_);
  }
  void execute(const std::string& sql) {
    char* error = nullptr;
    if (sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, &error) != SQLITE_OK) fail(error);
  }
  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* made = nullptr;
    if (sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr) != SQLITE_OK)
      fail(sqlite3_errmsg(database_));
    return made;
  }
  static void text(sqlite3_stmt* statement, int index, const std::string& value) {
    sqlite3_bind_blob64(statement, index, value.data(), value.size(), SQLITE_STATIC);
  }
  void run(sqlite3_stmt* statement) {
    if (sqlite3_step(statement) != SQLITE_DONE) fail(sqlite3_errmsg(database_));
    sqlite3_reset(statement);
  }
  sqlite3* database_ = nullptr;
  sqlite3_stmt *put_ = nullptr, *answer_ = nullptr, *begin_ = nullptr, *commit_ = nullptr;
};

constexpr const char* plain_put =
    "INSERT INTO record VALUES(?1,?2) ON CONFLICT DO UPDATE SET value=excluded.value";

std::unique_ptr<Engine> make_plain(const fs::path& folder) {
  return std::make_unique<Sqlite>(
      folder, "",
      "CREATE TABLE record(key TEXT NOT NULL,value TEXT NOT NULL);CREATE UNIQUE INDEX k ON record(key);"
      "CREATE TABLE answer(request TEXT PRIMARY KEY,response TEXT NOT NULL) WITHOUT ROWID",
      "INSERT INTO record VALUES(?1,?2) ON CONFLICT(key) DO UPDATE SET value=excluded.value",
      "INSERT OR REPLACE INTO answer VALUES(?1,?2)");
}

std::unique_ptr<Engine> make_tuned(const fs::path& folder, int page) {
  return std::make_unique<Sqlite>(
      folder,
      "PRAGMA page_size=" + std::to_string(page) + ";PRAGMA cache_size=-8192;PRAGMA wal_autocheckpoint=" +
          std::to_string(16 * 1024 * 1024 / page) + ";",
      "CREATE TABLE record(key BLOB PRIMARY KEY,value BLOB NOT NULL) WITHOUT ROWID;"
      "CREATE TABLE answer(id INTEGER PRIMARY KEY,request BLOB NOT NULL,response BLOB NOT NULL)",
      plain_put, "INSERT INTO answer(request,response) VALUES(?1,?2)");
}

/// Each transaction is one row of a journal; the last values are folded into the table in the order of keys.
class Journal final : public Sqlite {
 public:
  explicit Journal(const fs::path& folder)
      : Sqlite(folder, "PRAGMA cache_size=-8192;PRAGMA wal_autocheckpoint=0;",
               "CREATE TABLE record(key BLOB PRIMARY KEY,value BLOB NOT NULL) WITHOUT ROWID;"
               "CREATE TABLE answer(id INTEGER PRIMARY KEY,request BLOB NOT NULL,response BLOB NOT NULL);"
               "CREATE TABLE journal(id INTEGER PRIMARY KEY,changes BLOB NOT NULL)",
               plain_put, "INSERT INTO answer(request,response) VALUES(?1,?2)") {
    append_ = prepare("INSERT INTO journal(changes) VALUES(?1)");
  }
  ~Journal() override { sqlite3_finalize(append_); }
  void write(const Group& group) override {
    std::string row;
    for (const Change& change : group) {
      for (const std::string* part : {&change.key, &change.value, &change.request, &change.response}) {
        const auto size = static_cast<std::uint32_t>(part->size());
        row.append(reinterpret_cast<const char*>(&size), sizeof size).append(*part);
      }
      dirty_.insert_or_assign(change.key, change.value);
    }
    journal_octets_ += row.size();
    text(append_, 1, row);
    run(append_);
    if (journal_octets_ >= fold_at) fold();
  }
  std::size_t count() override {
    fold();
    return Sqlite::count();
  }

 private:
  static constexpr std::size_t fold_at = 16 << 20;
  void fold() {
    run(begin_);
    for (const auto& [key, value] : dirty_) {
      text(put_, 1, key);
      text(put_, 2, value);
      run(put_);
    }
    execute("DELETE FROM journal");
    run(commit_);
    execute("PRAGMA wal_checkpoint(TRUNCATE)");
    dirty_.clear();
    journal_octets_ = 0;
  }
  sqlite3_stmt* append_ = nullptr;
  std::map<std::string, std::string> dirty_;
  std::size_t journal_octets_ = 0;
};

class Lmdb final : public Engine {
 public:
  explicit Lmdb(const fs::path& folder) {
    check(mdb_env_create(&env_));
    check(mdb_env_set_mapsize(env_, std::size_t{4} << 30));
    check(mdb_env_set_maxdbs(env_, 2));
    check(mdb_env_open(env_, folder.c_str(), MDB_NOSYNC, 0600));
    MDB_txn* txn = begin(0);
    check(mdb_dbi_open(txn, "record", MDB_CREATE, &record_));
    check(mdb_dbi_open(txn, "answer", MDB_CREATE | MDB_INTEGERKEY, &answer_));
    check(mdb_txn_commit(txn));
  }
  ~Lmdb() override { mdb_env_close(env_); }
  void write(const Group& group) override {
    MDB_txn* txn = begin(0);
    for (const Change& change : group) {
      put(txn, record_, {change.key.size(), const_cast<char*>(change.key.data())}, change.value, 0);
      std::size_t id = ++last_;
      put(txn, answer_, {sizeof id, &id}, change.request + '\0' + change.response, MDB_APPEND);
    }
    check(mdb_txn_commit(txn));
  }
  std::size_t count() override {
    MDB_txn* txn = begin(MDB_RDONLY);
    MDB_cursor* cursor = nullptr;
    check(mdb_cursor_open(txn, record_, &cursor));
    MDB_val key, value;
    std::size_t found = 0;
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) ++found;
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    return found;
  }

 private:
  static void check(int code) {
    if (code != 0) fail(mdb_strerror(code));
  }
  MDB_txn* begin(unsigned flags) {
    MDB_txn* txn = nullptr;
    check(mdb_txn_begin(env_, nullptr, flags, &txn));
    return txn;
  }
  static void put(MDB_txn* txn, MDB_dbi table, MDB_val key, const std::string& text, unsigned flags) {
    MDB_val value{text.size(), const_cast<char*>(text.data())};
    check(mdb_put(txn, table, &key, &value, flags));
  }
  MDB_env* env_ = nullptr;
  MDB_dbi record_ = 0, answer_ = 0;
  std::size_t last_ = 0;
};

class Rocks final : public Engine {
 public:
  explicit Rocks(const fs::path& folder) {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* raw = nullptr;
    if (!rocksdb::DB::Open(options, folder / "rocks", &raw).ok()) fail("rocksdb");
    database_.reset(raw);
  }
  void write(const Group& group) override {
    rocksdb::WriteBatch batch;
    for (const Change& change : group) {
      batch.Put("r" + change.key, change.value);
      batch.Put("a" + std::to_string(++last_), change.request + '\0' + change.response);
    }
    if (!database_->Write({}, &batch).ok()) fail("rocksdb write");
  }
  std::size_t count() override {
    const std::unique_ptr<rocksdb::Iterator> all(database_->NewIterator({}));
    std::size_t found = 0;
    for (all->Seek("r"); all->Valid(); all->Next()) ++found;
    return found;
  }

 private:
  std::unique_ptr<rocksdb::DB> database_;
  std::size_t last_ = 0;
};

double cpu() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double written_octets() {
  std::ifstream io("/proc/self/io");
  for (std::string name; io >> name;) {
    double value = 0;
    io >> value;
    if (name == "wchar:") return value;
  }
  return 0;
}

struct Workload {
  std::size_t addresses, changes, group, response;
};

void measure(const char* name, const std::function<std::unique_ptr<Engine>(const fs::path&)>& make,
             const Workload& load) {
  const fs::path folder = fs::temp_directory_path() / ("beckon-bench-store-" + std::to_string(getpid()));
  fs::remove_all(folder);
  fs::create_directories(folder);
  {
    const auto engine = make(folder);
    std::mt19937_64 random(7);
    const auto make_change = [&](std::size_t user, std::size_t number) {
      return Change{.key = "sip:user" + std::to_string(user) + "@example.org\0sip:phone@192.0.2.9:5070",
                    .value = std::string(230, static_cast<char>('a' + number % 26)),
                    .request = "call-" + std::to_string(user) + "@192.0.2.9\n" + std::to_string(number) +
                               " REGISTER\ntag\nz9hG4bK" + std::to_string(random()),
                    .response = std::string(load.response, 'r')};
    };
    std::vector<Group> groups;
    for (std::size_t user = 0; user < load.addresses;) {
      Group& group = groups.emplace_back();
      while (group.size() < 1000 && user < load.addresses) group.push_back(make_change(user++, 0));
    }
    for (const Group& group : groups) engine->write(group);
    double spent = 0, octets = written_octets();
    for (std::size_t done = 0; done < load.changes; done += load.group) {
      Group group;
      while (group.size() < load.group)
        group.push_back(make_change(random() % load.addresses, done + group.size()));
      const double before = cpu();
      engine->write(group);
      spent += cpu() - before;
    }
    octets = written_octets() - octets;
    const double before = cpu();
    const std::size_t found = engine->count();
    std::printf(
        "{\"engine\":\"%s\",\"response\":%zu,\"group\":%zu,\"us_per_change\":%.2f,\"octets_per_change\":%.0f,"
        "\"records\":%zu,\"read_s\":%.2f}\n",
        name, load.response, load.group, spent * 1e6 / static_cast<double>(load.changes),
        octets / static_cast<double>(load.changes), found, cpu() - before);
    std::fflush(stdout);
  }
  fs::remove_all(folder);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t changes = argc > 1 ? std::stoul(argv[1]) : 200000;
  for (const std::size_t response : {600, 150}) {
    const Workload load{.addresses = 100000, .changes = changes, .group = 40, .response = response};
    measure("sqlite, first schema", make_plain, load);
    measure("sqlite, tuned", [](const fs::path& f) { return make_tuned(f, 4096); }, load);
    measure("sqlite, tuned, 1 KiB pages", [](const fs::path& f) { return make_tuned(f, 1024); }, load);
    measure("sqlite, journal", [](const fs::path& f) { return std::make_unique<Journal>(f); }, load);
    measure("lmdb", [](const fs::path& f) { return std::make_unique<Lmdb>(f); }, load);
    measure("rocksdb", [](const fs::path& f) { return std::make_unique<Rocks>(f); }, load);
  }
}
