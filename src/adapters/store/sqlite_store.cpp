#include "adapters/store/sqlite_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "adapters/store/apply.hpp"
#include "adapters/store/checkpointer.hpp"
#include "adapters/store/database.hpp"
#include "adapters/store/lock_file.hpp"
#include "adapters/store/reader.hpp"
#include "adapters/store/schema.hpp"
#include "adapters/store/writer.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/resource/record.hpp"

namespace lobo::adapters::store {
namespace {

inline constexpr int busy_milliseconds_max = 2000;  ///< for a look with the sqlite3 program
inline constexpr int writer_cache_kib = 32 * 1024;
inline constexpr int reader_cache_kib = 8 * 1024;

/// Created by us rather than by SQLite, so that nobody else may read it; the log takes its mode.
Result<void> create_private(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail(Errc::unavailable,
                fmt::format("store {}: {}; the file and its folder must be writable", path,
                            std::generic_category().message(errno)));
  ::close(fd);
  return {};
}

Result<Database> connect(const SqliteOptions& options, Database::Mode mode, int cache_kib) {
  auto database = Database::open(options.file, mode, options.vfs);
  if (!database) return database;
  sqlite3_busy_timeout(database->handle(), busy_milliseconds_max);
  const auto set = database->run(fmt::format("PRAGMA cache_size = -{}", cache_kib));
  if (!set) return fail(set.error());
  return database;
}

Result<void> make_durable(Database& database) {
  const auto mode = database.word("PRAGMA journal_mode = WAL");
  if (!mode) return fail(mode.error());
  if (*mode != "wal")
    return fail(Errc::unavailable,
                fmt::format("store {}: its file system cannot carry a write-ahead "
                            "log; use a local disk",
                            database.path()));
  return database.run(
      "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
      "PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY");
}

Result<void> limit_size(Database& database, std::uint64_t bytes_max, std::int64_t page_bytes) {
  if (bytes_max == 0) return {};
  const auto pages = std::max<std::uint64_t>(1, bytes_max / static_cast<std::uint64_t>(page_bytes));
  return database.run(fmt::format("PRAGMA max_page_count = {}", pages));
}

Instruments instruments_of(runtime::Metrics* metrics) {
  if (metrics == nullptr) return {};
  return {&metrics->histogram("lobo_store_commit_seconds", {}),
          &metrics->counter("lobo_store_units_total", {}),
          &metrics->counter("lobo_store_failures_total", {})};
}

}  // namespace

// Invariant: reader closes before writer, so that the last connection is one that may write and
// SQLite folds the log into the file; the lock goes last.
struct SqliteStore::Parts {
  LockFile lock;
  std::unique_ptr<Writer> writer;
  std::unique_ptr<Reader> reader;
};

SqliteStore::SqliteStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const SqliteOptions& options,
                                                       runtime::Scheduler& scheduler,
                                                       runtime::Metrics* metrics) {
  auto opened = open_files(options, scheduler, metrics);
  if (!opened && opened.error().detail.find(options.file) == std::string::npos)
    opened.error().detail = options.file + ": " + opened.error().detail;
  return opened;
}

Result<std::unique_ptr<SqliteStore>> SqliteStore::open_files(const SqliteOptions& options,
                                                             runtime::Scheduler& scheduler,
                                                             runtime::Metrics* metrics) {
  auto lock = LockFile::take(options.file + ".lock");
  if (!lock) return fail(lock.error());
  if (auto created = create_private(options.file); !created) return fail(created.error());

  auto opened = connect(options, Database::Mode::read_write, writer_cache_kib);
  if (!opened) return fail(opened.error());
  auto database = std::make_unique<Database>(std::move(*opened));
  if (auto ready = make_durable(*database); !ready) return fail(ready.error());
  if (auto migrated = migrate(*database); !migrated) return fail(migrated.error());
  const auto page_bytes = database->number("PRAGMA page_size");
  if (!page_bytes) return fail(page_bytes.error());
  if (auto limited = limit_size(*database, options.file_bytes_max, *page_bytes); !limited)
    return fail(limited.error());
  auto applier = Applier::prepare(*database);
  if (!applier) return fail(applier.error());

  auto beside = connect(options, Database::Mode::read_write, 64);
  if (!beside) return fail(beside.error());
  auto checkpointer = std::make_unique<Checkpointer>(*database, std::move(*beside), *page_bytes);
  auto reading = connect(options, Database::Mode::read_only, reader_cache_kib);
  if (!reading) return fail(reading.error());
  auto reader = Reader::prepare(std::move(*reading));
  if (!reader) return fail(reader.error());

  auto writer =
      std::make_unique<Writer>(std::move(database), std::move(*applier), std::move(checkpointer),
                               scheduler, instruments_of(metrics));
  return std::unique_ptr<SqliteStore>(new SqliteStore(
      std::make_unique<Parts>(Parts{std::move(*lock), std::move(writer), std::move(*reader)})));
}

void SqliteStore::commit(std::vector<runtime::StoreChange> unit,
                         std::function<void(Result<void>)> done) {
  parts_->writer->commit(std::move(unit), std::move(done));
}

bool SqliteStore::failing() const { return parts_->writer->failing(); }

Result<std::optional<resource::Record>> SqliteStore::find(const resource::Key& key) const {
  return parts_->reader->find(key);
}

Result<std::vector<resource::Record>> SqliteStore::list(std::string_view kind,
                                                        std::string_view owner,
                                                        std::string_view after,
                                                        std::size_t limit) const {
  return parts_->reader->list(kind, owner, after, limit);
}

Result<std::vector<resource::Key>> SqliteStore::by_subject(std::string_view kind,
                                                           std::string_view subject,
                                                           std::size_t limit) const {
  return parts_->reader->by_subject(kind, subject, limit);
}

Result<std::uint64_t> SqliteStore::count(std::string_view kind, std::string_view owner) const {
  return parts_->reader->count(kind, owner);
}

Result<std::vector<runtime::StoredEffect>> SqliteStore::effects(std::uint64_t after,
                                                                std::size_t limit) const {
  return parts_->reader->effects(after, limit);
}

Result<std::vector<runtime::StoredEffect>> SqliteStore::effects_of(
    const resource::Key& from) const {
  return parts_->reader->effects_of(from);
}

Result<std::vector<runtime::StoredTimer>> SqliteStore::timers(Instant until,
                                                              std::size_t limit) const {
  return parts_->reader->timers(until, limit);
}

Result<std::optional<runtime::StoredIdempotency>> SqliteStore::idempotency(
    std::string_view owner, std::string_view key) const {
  return parts_->reader->idempotency(owner, key);
}

Result<std::optional<std::string>> SqliteStore::fact(std::string_view name) const {
  return parts_->reader->fact(name);
}

}  // namespace lobo::adapters::store
