#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "protocol/base/result.hpp"
#include "server/store/error.hpp"

/// SQLite's C interface as values. Only the .cpp files of this room include it.
namespace beckon::store {

/// Our error for a result code of SQLite.
ErrorCode to_error(int code);

/// One prepared statement. Binding is 1-based, columns are 0-based, as in SQLite.
class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* raw) : raw_(raw) {}

  /// The text stays where it is until the statement has run.
  Statement& bind(int index, std::string_view text);
  Statement& bind_blob(int index, std::string_view octets);
  Statement& bind(int index, std::int64_t number);
  /// True: there is a row. Errors: as to_error.
  Result<bool> step();
  /// Steps to the end of a statement without rows, then makes it ready for the next binding.
  Result<void> run();
  void reset();
  /// A text or a blob.
  std::string text(int column);
  std::int64_t number(int column);

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* raw) const { sqlite3_finalize(raw); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> raw_;
};

/// One connection, for one thread at a time.
class Database {
 public:
  /// Opens or makes the file. Somebody else's lock is waited for `patience` long. Errors: Errc::io, corrupt.
  static Result<Database> open(const std::filesystem::path& file, std::chrono::milliseconds patience);
  Result<void> execute(const std::string& sql);
  Result<Statement> prepare(const char* sql);
  /// First column of the first row of `sql`; 0 when there is none.
  Result<std::int64_t> number(const char* sql);
  /// Makes `function` callable in SQL, with a text and a number. It must be pure.
  using Function = std::int64_t (*)(std::string_view text, std::int64_t number);
  Result<void> define(const char* name, Function function);
  /// Copies the write-ahead log into the file, as far as no reader is in the way.
  Result<void> checkpoint();
  /// Pages of the write-ahead log after the last commit. A checkpoint that copied all of them has the log
  /// begin anew with the next commit.
  int log_pages() const { return *log_pages_; }
  /// Rows touched by the last statement.
  int changes() { return sqlite3_changes(raw_.get()); }

  /// From now on commits make no checkpoints of their own: the caller does, looking at `log_pages`.
  void hold_checkpoints();

 private:
  struct Close {
    void operator()(sqlite3* raw) const { sqlite3_close_v2(raw); }
  };
  std::unique_ptr<int> log_pages_ = std::make_unique<int>(0);
  std::unique_ptr<sqlite3, Close> raw_;
};

/// What leads from one version of a schema to the next.
struct Migration {
  const char* sql = "";
  /// Runs after `sql`, in the same transaction; may be null.
  Result<void> (*convert)(Database& database) = nullptr;
};

/// Brings the schema up to date: `steps[n]` leads from version n to n + 1; each runs once, in a transaction
/// with its mark. `application_id` tells our files from others. Errors: Errc::newer_schema, corrupt, io.
Result<void> migrate(Database& database, std::int64_t application_id, std::span<const Migration> steps);

}  // namespace beckon::store
