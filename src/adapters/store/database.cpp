#include "adapters/store/database.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>

#include "base/require.hpp"
#include "base/result.hpp"
#include "base/text.hpp"

namespace lobo::adapters::store {
namespace {

struct Meaning {
  Errc code;
  std::string_view sentence;
  bool whole_batch;
};

/// Primary result codes of SQLite that a healthy program can meet.
Meaning meaning_of(int primary) {
  switch (primary) {
    case SQLITE_FULL:
      return {Errc::unavailable, "the disk or the file's size limit is full", false};
    case SQLITE_IOERR: return {Errc::unavailable, "the disk reported an input/output error", true};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Errc::unavailable, "another program holds a lock on the file", true};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Errc::unavailable, "the file is damaged or not an SQLite file", true};
    case SQLITE_CANTOPEN: return {Errc::unavailable, "the file cannot be opened", true};
    case SQLITE_READONLY:
    case SQLITE_PERM: return {Errc::unavailable, "the file or its folder cannot be written", true};
    case SQLITE_TOOBIG: return {Errc::too_large, "a value is larger than the store takes", false};
    case SQLITE_NOMEM: return {Errc::unavailable, "no memory is left", true};
    default: return {Errc::internal, "SQLite refused a statement", false};
  }
}

/// Without the file's name: what a store cannot do may be told to clients.
Failure failure_of(sqlite3* handle, int code, std::string_view doing) {
  const Meaning meaning = meaning_of(code & 0xFF);
  const char* words = handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
  return {Error{meaning.code,
                fmt::format("store: {}: {} ({}, code {})", doing, meaning.sentence, words, code),
                {}},
          meaning.whole_batch};
}

}  // namespace

void CloseDatabase::operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
void FinalizeStatement::operator()(sqlite3_stmt* handle) const noexcept {
  sqlite3_finalize(handle);
}

Result<Database> Database::open(const std::string& path, Mode mode, const std::string& vfs) {
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (mode == Mode::read_write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                              : SQLITE_OPEN_READONLY);
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, vfs.empty() ? nullptr : vfs.c_str());
  Database database;
  database.handle_.reset(raw);
  database.path_ = path;
  if (code != SQLITE_OK) return fail(failure_of(raw, code, "open").error);
  return database;
}

Result<void> Database::run(std::string_view statements) {
  const std::string text(statements);
  if (sqlite3_exec(handle(), text.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return fail(failure(trim(text).substr(0, 40)).error);
}

Result<std::int64_t> Database::number(std::string_view query) {
  auto statement = Statement::prepare(*this, query);
  if (!statement) return fail(statement.error());
  switch (statement->step()) {
    case Statement::Step::row: return statement->number(0);
    case Statement::Step::end: return fail(Errc::unavailable, "store: no row");
    case Statement::Step::failed: return fail(failure(query).error);
  }
  contract_failed(std::source_location::current());
}

Result<std::string> Database::word(std::string_view query) {
  auto statement = Statement::prepare(*this, query);
  if (!statement) return fail(statement.error());
  if (statement->step() != Statement::Step::row) return fail(failure(query).error);
  return statement->text(0);
}

void Database::rollback() noexcept {
  if (in_transaction()) sqlite3_exec(handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

bool Database::in_transaction() const noexcept { return sqlite3_get_autocommit(handle()) == 0; }
std::int64_t Database::changes() const noexcept { return sqlite3_changes64(handle()); }

Failure Database::failure(std::string_view doing) const {
  return failure_of(handle(), sqlite3_extended_errcode(handle()), doing);
}

bool Database::is_where_it_was() const noexcept {
  int moved = 0;  // Stays so where a VFS cannot tell.
  sqlite3_file_control(handle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved == 0;
}

Result<Statement> Statement::prepare(Database& database, std::string_view text) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(database.handle(), text.data(), static_cast<int>(text.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  Statement statement;
  statement.handle_.reset(raw);
  if (code != SQLITE_OK) return fail(database.failure(text).error);
  static constexpr std::array names{"", "$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9"};
  for (std::size_t parameter = 1; parameter <= parameters_max; ++parameter)
    statement.index_[parameter] = sqlite3_bind_parameter_index(raw, names[parameter]);
  return statement;
}

Statement& Statement::bind(std::size_t parameter, std::string_view text) {
  // An empty view may have no address, which SQLite would read as NULL.
  const char* data = text.empty() ? "" : text.data();
  bound_ = sqlite3_bind_text64(handle_.get(), index_[parameter], data, text.size(), SQLITE_STATIC,
                               SQLITE_UTF8) == SQLITE_OK &&
           bound_;
  return *this;
}

Statement& Statement::bind(std::size_t parameter, std::int64_t number) {
  bound_ = sqlite3_bind_int64(handle_.get(), index_[parameter], number) == SQLITE_OK && bound_;
  return *this;
}

Statement::Step Statement::step() noexcept {
  if (!bound_) return Step::failed;
  switch (sqlite3_step(handle_.get())) {
    case SQLITE_ROW: return Step::row;
    case SQLITE_DONE: return Step::end;
    default: return Step::failed;
  }
}

void Statement::reset() noexcept {
  sqlite3_reset(handle_.get());
  bound_ = true;
}

std::string Statement::text(int column) const {
  const void* data = sqlite3_column_blob(handle_.get(), column);
  const int size = sqlite3_column_bytes(handle_.get(), column);
  return data == nullptr
             ? std::string{}
             : std::string(static_cast<const char*>(data), static_cast<std::size_t>(size));
}

std::int64_t Statement::number(int column) const noexcept {
  return sqlite3_column_int64(handle_.get(), column);
}

}  // namespace lobo::adapters::store
