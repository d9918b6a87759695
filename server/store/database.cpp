#include "server/store/database.hpp"

namespace beckon::store {

ErrorCode to_error(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Errc::corrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Errc::in_use;
    case SQLITE_CONSTRAINT:
      return Errc::exists;
    default:
      return Errc::io;
  }
}

Statement& Statement::bind(int index, std::string_view text) {
  sqlite3_bind_text64(raw_.get(), index, text.data() ? text.data() : "", text.size(), SQLITE_STATIC,
                      SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind_blob(int index, std::string_view octets) {
  sqlite3_bind_blob64(raw_.get(), index, octets.data() ? octets.data() : "", octets.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind(int index, std::int64_t number) {
  sqlite3_bind_int64(raw_.get(), index, number);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(raw_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return {boost::system::in_place_error, to_error(code)};  // an error code converts to bool, too
}

Result<void> Statement::run() {
  const auto row = step();
  reset();
  if (!row) return row.error();
  return {};
}

void Statement::reset() { sqlite3_reset(raw_.get()); }

std::string Statement::text(int column) {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(raw_.get(), column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(raw_.get(), column));
  return data ? std::string(data, size) : std::string();
}

std::int64_t Statement::number(int column) { return sqlite3_column_int64(raw_.get(), column); }

Result<Database> Database::open(const std::filesystem::path& file, std::chrono::milliseconds patience) {
  // Statistics of memory that nobody reads cost a lock at each allocation. Before SQLite is first used.
  static const int without_statistics = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(without_statistics);
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(file.c_str(), &raw, flags, nullptr);
  Database database;
  database.raw_.reset(raw);
  if (code != SQLITE_OK) return to_error(code);
  sqlite3_busy_timeout(raw, static_cast<int>(patience.count()));
  return database;
}

Result<void> Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(raw_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return to_error(code);
  return {};
}

Result<Statement> Database::prepare(const char* sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(raw_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) return to_error(code);
  return Statement(raw);
}

Result<void> Database::define(const char* name, Function function) {
  const auto call = [](sqlite3_context* context, int, sqlite3_value** values) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(values[0]));
    const auto size = static_cast<std::size_t>(sqlite3_value_bytes(values[0]));
    // A pointer to a function goes through SQLite as a pointer to data.
    const auto wanted = reinterpret_cast<Function>(sqlite3_user_data(context));
    sqlite3_result_int64(context,
                         wanted({text ? text : "", text ? size : 0}, sqlite3_value_int64(values[1])));
  };
  const int code =
      sqlite3_create_function_v2(raw_.get(), name, 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                 reinterpret_cast<void*>(function), call, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return to_error(code);
  return {};
}

void Database::hold_checkpoints() {
  const auto note = [](void* pages, sqlite3*, const char*, int count) {
    *static_cast<int*>(pages) = count;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(raw_.get(), note, log_pages_.get());
}

Result<void> Database::checkpoint() {
  const int code =
      sqlite3_wal_checkpoint_v2(raw_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code != SQLITE_OK) return to_error(code);
  return {};
}

Result<std::int64_t> Database::number(const char* sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  const auto row = statement->step();
  if (!row) return row.error();
  return *row ? statement->number(0) : 0;
}

namespace {

Result<std::int64_t> schema_version(Database& database, std::int64_t application_id) {
  const auto id = database.number("PRAGMA application_id");
  if (!id) return id.error();
  const auto tables = database.number("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  if (*tables == 0) return 0;
  if (*id != application_id) return Errc::corrupt;
  return database.number("SELECT version FROM schema_version");
}

Result<void> migrate_one(Database& database, std::int64_t application_id, std::int64_t from,
                         const Migration& step) {
  // application_id stands outside the transaction's tables but inside its pages: it commits with them.
  std::string sql = "BEGIN IMMEDIATE;";
  if (from == 0)
    sql +=
        "CREATE TABLE schema_version(version INTEGER NOT NULL);INSERT INTO schema_version VALUES(0);"
        "PRAGMA application_id=" +
        std::to_string(application_id) + ";";
  sql += step.sql;
  auto done = database.execute(sql);
  if (done && step.convert) done = step.convert(database);
  if (done)
    done = database.execute("UPDATE schema_version SET version=" + std::to_string(from + 1) + ";COMMIT");
  if (!done) (void)database.execute("ROLLBACK");
  return done;
}

}  // namespace

Result<void> migrate(Database& database, std::int64_t application_id, std::span<const Migration> steps) {
  auto version = schema_version(database, application_id);
  if (!version) return version.error();
  if (*version > static_cast<std::int64_t>(steps.size())) return Errc::newer_schema;
  for (; *version < static_cast<std::int64_t>(steps.size()); ++*version) {
    const auto done =
        migrate_one(database, application_id, *version, steps[static_cast<std::size_t>(*version)]);
    if (!done) return done;
  }
  return {};
}

}  // namespace beckon::store
