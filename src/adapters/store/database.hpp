#pragma once
// SQLite's C interface as values that give back what they took and Results that say what failed.
// Used by one thread at a time.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace lobo::adapters::store {

/// What a failed SQLite call means for the caller. `whole_batch` is true where the cause is the
/// file or the disk, so that trying other changes at once is of no use.
struct Failure {
  Error error;
  bool whole_batch = false;
};

struct CloseDatabase {
  void operator()(sqlite3* handle) const noexcept;
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* handle) const noexcept;
};

class Database {
 public:
  enum class Mode : std::uint8_t { read_write, read_only };

  /// `vfs` names a registered SQLite VFS; empty is the default one.
  static Result<Database> open(const std::string& path, Mode mode, const std::string& vfs = {});

  Result<void> run(std::string_view statements);        ///< rows are thrown away
  Result<std::int64_t> number(std::string_view query);  ///< first column of the first row
  Result<std::string> word(std::string_view query);
  void rollback() noexcept;  ///< nothing where no transaction is open
  bool in_transaction() const noexcept;
  std::int64_t changes() const noexcept;          ///< rows of the last INSERT, UPDATE, DELETE
  Failure failure(std::string_view doing) const;  ///< of the last call that failed
  /// False once the file was deleted or renamed: what is written then is lost with the process.
  /// Costs one stat().
  bool is_where_it_was() const noexcept;
  const std::string& path() const { return path_; }
  sqlite3* handle() const { return handle_.get(); }

 private:
  std::unique_ptr<sqlite3, CloseDatabase> handle_;
  std::string path_;
};

/// A prepared statement; $1 … $9 are bound by name, because SQLite numbers them by first appearance
/// and PostgreSQL by what they say.
class Statement {
 public:
  static constexpr std::size_t parameters_max = 9;

  static Result<Statement> prepare(Database& database, std::string_view text);

  /// The text is borrowed until the next reset().
  Statement& bind(std::size_t parameter, std::string_view text);
  Statement& bind(std::size_t parameter, std::int64_t number);

  enum class Step : std::uint8_t { row, end, failed };
  Step step() noexcept;
  /// Ends the implicit read transaction too: forgotten, it would pin the write-ahead log.
  void reset() noexcept;

  std::string text(int column) const;
  std::int64_t number(int column) const noexcept;

 private:
  std::unique_ptr<sqlite3_stmt, FinalizeStatement> handle_;
  int index_[parameters_max + 1] = {};
  bool bound_ = true;  ///< no bind has failed since the last reset
};

/// Resets a statement on every way out of a scope.
class Use {
 public:
  explicit Use(Statement& statement) : statement_(statement) {}
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() { statement_.reset(); }
  Statement* operator->() const { return &statement_; }

 private:
  Statement& statement_;
};

}  // namespace lobo::adapters::store
