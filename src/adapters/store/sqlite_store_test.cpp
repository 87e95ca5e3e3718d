#include "adapters/store/sqlite_store.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <ios>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/store/checkpointer.hpp"
#include "adapters/store/database.hpp"
#include "adapters/store/schema.hpp"
#include "adapters/store/statements.hpp"
#include "adapters/store/writer.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "support/temp_dir.hpp"
#include "support/test_loop.hpp"
#include "wire/resource/record.hpp"

namespace lobo::adapters::store {
namespace {

using runtime::EraseRecord;
using runtime::PutEffect;
using runtime::PutFact;
using runtime::PutRecord;

class SqliteStoreTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<SqliteStore>> open(std::uint64_t bytes_max = 0, std::string vfs = {}) {
    return SqliteStore::open({.file = file, .file_bytes_max = bytes_max, .vfs = std::move(vfs)},
                             loop);
  }
  Result<void> commit(SqliteStore& store, std::vector<runtime::StoreChange> unit) {
    std::optional<Result<void>> answer;
    store.commit(std::move(unit), [&](Result<void> result) { answer = std::move(result); });
    EXPECT_TRUE(loop.run_until([&] { return answer.has_value(); }));
    return answer.value_or(fail(Errc::timeout, "no completion"));
  }
  /// Runs SQL on the file behind the store's back.
  void run(std::string_view sql) {
    auto database = Database::open(file, Database::Mode::read_write);
    ASSERT_TRUE(database);
    const auto done = database->run(sql);
    ASSERT_TRUE(done) << done.error().detail;
  }

  testing::TestLoop loop;
  testing::TempDir folder;
  std::string file = folder.file("lobo.db");
};

resource::Record record(const std::string& id, std::string state = "{}") {
  return {{"unicast", id}, "vas1", "", 1, std::move(state)};
}

TEST_F(SqliteStoreTest, a_second_store_on_the_same_file_is_refused_until_the_first_has_gone) {
  auto first = open();
  ASSERT_TRUE(first);
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::conflict);
  EXPECT_NE(second.error().detail.find(std::to_string(::getpid())), std::string::npos);
  first->reset();
  EXPECT_TRUE(open());
}

TEST_F(SqliteStoreTest, records_of_a_subject_are_sought_in_its_index) {
  ASSERT_TRUE(open());
  auto database = Database::open(file, Database::Mode::read_only);
  ASSERT_TRUE(database);
  auto plan =
      Statement::prepare(*database, "EXPLAIN QUERY PLAN " + std::string(sql::records_by_subject));
  ASSERT_TRUE(plan);
  Use use(*plan);
  ASSERT_EQ(use->step(), Statement::Step::row);
  EXPECT_NE(use->text(3).find("INDEX resource_by_subject (kind=? AND subject=?)"),
            std::string::npos)
      << use->text(3);
}

TEST_F(SqliteStoreTest, nobody_else_may_read_the_file) {
  auto store = open();
  ASSERT_TRUE(store);
  ASSERT_TRUE(commit(**store, {PutFact{"a", "b"}}));
  for (const std::string& path : {file, file + "-wal", file + ".lock"}) {
    struct stat info{};
    ASSERT_EQ(::stat(path.c_str(), &info), 0) << path;
    EXPECT_EQ(info.st_mode & 0077U, 0U) << path;
  }
}

TEST_F(SqliteStoreTest, closing_makes_durable_what_is_still_queued) {
  std::size_t done = 0;
  {
    auto store = open();
    ASSERT_TRUE(store);
    for (int i = 0; i < 1000; ++i)
      (*store)->commit({PutRecord{record(std::to_string(i))}},
                       [&](Result<void> result) { done += result ? 1U : 0U; });
  }
  loop.run_until_idle();
  EXPECT_EQ(done, 1000U);
  auto store = open();
  ASSERT_TRUE(store);
  EXPECT_EQ((*store)->count("unicast", "vas1").value(), 1000U);
}

TEST_F(SqliteStoreTest, a_folder_that_is_missing_or_read_only_is_a_clear_error) {
  // Its lock stands beside it, and goes with the test.
  std::filesystem::create_directory(folder.file("a_folder"));
  for (const std::string& path :
       {folder.file("no/such/lobo.db"), std::string("/sys/lobo.db"), folder.file("a_folder")}) {
    const auto store = SqliteStore::open({.file = path}, loop);
    ASSERT_FALSE(store) << path;
    EXPECT_EQ(store.error().code, Errc::unavailable);
    EXPECT_NE(store.error().detail.find(path), std::string::npos);
  }
}

TEST_F(SqliteStoreTest, a_file_that_is_no_store_is_refused_and_left_as_it_was) {
  const std::string text(8192, 'x');
  std::ofstream(file) << text;
  ASSERT_FALSE(open());
  std::ifstream in(file);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), text);
  std::filesystem::remove(file);

  run("CREATE TABLE somebody_elses (a)");
  const auto other = open();
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::conflict);
}

TEST_F(SqliteStoreTest, a_file_of_a_newer_release_is_refused_with_both_versions) {
  ASSERT_TRUE(open());
  run("UPDATE schema_version SET version = 99");
  const auto store = open();
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Errc::conflict);
  EXPECT_NE(store.error().detail.find("99"), std::string::npos);
  EXPECT_NE(store.error().detail.find(std::to_string(schema_version_newest)), std::string::npos);
}

// A file as version 1 wrote it, in its own words: the steps of schema.hpp are not used here.
constexpr std::string_view version_1 = R"sql(
PRAGMA application_id = 1280262735;
CREATE TABLE schema_version (version BIGINT NOT NULL);
INSERT INTO schema_version VALUES (1);
CREATE TABLE resource (kind TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL,
  subject TEXT NOT NULL, version BIGINT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (kind, id));
CREATE INDEX resource_by_owner ON resource (kind, owner, id);
CREATE INDEX resource_by_subject ON resource (kind, subject) WHERE subject <> '';
CREATE TABLE effect (id INTEGER PRIMARY KEY, from_kind TEXT NOT NULL, from_id TEXT NOT NULL,
  type TEXT NOT NULL, body TEXT NOT NULL, parked BIGINT NOT NULL, attempts BIGINT NOT NULL);
CREATE INDEX effect_by_resource ON effect (from_kind, from_id);
CREATE TABLE timer (kind TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, due BIGINT NOT NULL,
  PRIMARY KEY (kind, id, name)) WITHOUT ROWID;
CREATE INDEX timer_by_due ON timer (due, kind, id, name);
CREATE TABLE idempotency (owner TEXT NOT NULL, request_key TEXT NOT NULL, digest TEXT NOT NULL,
  made_kind TEXT NOT NULL, made_id TEXT NOT NULL, expires BIGINT NOT NULL,
  PRIMARY KEY (owner, request_key)) WITHOUT ROWID;
CREATE INDEX idempotency_by_expiry ON idempotency (expires);
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO resource VALUES ('unicast', 'a', 'vas1', 'msisdn-1', 3, '{"x":1}'),
  ('unicast', 'b', 'vas1', '', 1, '{}'), ('unicast', 'c', 'vas2', '', 1, '{}');
INSERT INTO effect VALUES (7, 'unicast', 'a', 'notify', '{"v":1}', 1, 9);
INSERT INTO timer VALUES ('unicast', 'a', 'expiry', 1800000000000000);
INSERT INTO idempotency VALUES ('vas1', 'k', 'd', 'unicast', 'a', 1800000000000000);
INSERT INTO fact VALUES ('last', '7');
)sql";

TEST_F(SqliteStoreTest, a_file_of_version_1_is_migrated_with_all_that_it_holds) {
  run(version_1);
  {
    auto store = open();
    ASSERT_TRUE(store) << store.error().detail;
    EXPECT_EQ((*store)->find({"unicast", "a"}).value(),
              (resource::Record{{"unicast", "a"}, "vas1", "msisdn-1", 3, "{\"x\":1}"}));
    EXPECT_EQ((*store)->count("unicast", "vas1").value(), 2U);
    EXPECT_EQ((*store)->count("unicast", "vas2").value(), 1U);
    EXPECT_EQ((*store)->effects(0, 9).value(),
              (std::vector<runtime::StoredEffect>{
                  {7, {"unicast", "a"}, "notify", "{\"v\":1}", true, 9}}));
    EXPECT_EQ((*store)->timers(Instant::max(), 9)->size(), 1U);
    EXPECT_TRUE((*store)->idempotency("vas1", "k")->has_value());
    EXPECT_EQ((*store)->fact("last").value(), "7");
    ASSERT_TRUE(commit(**store, {EraseRecord{{"unicast", "c"}}}));
    EXPECT_EQ((*store)->count("unicast", "vas2").value(), 0U);
  }
  EXPECT_TRUE(open());  // the second start finds the newest version
}

TEST_F(SqliteStoreTest, a_full_file_refuses_units_whole_and_takes_others_once_there_is_room) {
  auto store = open(512 << 10);
  ASSERT_TRUE(store) << store.error().detail;
  const std::string large(60'000, 'x');
  std::vector<bool> kept;
  for (int i = 0; i < 16; ++i) {
    const auto id = std::to_string(i);
    const auto result = commit(**store, {PutFact{"mark" + id, ""}, PutRecord{record(id, large)}});
    if (!result) {
      EXPECT_EQ(result.error().code, Errc::unavailable);
      EXPECT_NE(result.error().detail.find("full"), std::string::npos);
    }
    kept.push_back(result.has_value());
    EXPECT_EQ((*store)->find({"unicast", id})->has_value(), kept.back());
    EXPECT_EQ((*store)->fact("mark" + id)->has_value(), kept.back());
  }
  ASSERT_TRUE(kept.front());
  ASSERT_FALSE(kept.back());
  ASSERT_TRUE(commit(**store, {EraseRecord{{"unicast", "0"}}}));
  EXPECT_TRUE(commit(**store, {PutRecord{record("again", large)}}));
}

TEST_F(SqliteStoreTest, nothing_is_acknowledged_once_the_file_was_deleted) {
  auto opened = open();
  ASSERT_TRUE(opened);
  auto& store = **opened;
  ASSERT_TRUE(commit(store, {PutRecord{record("a")}}));
  EXPECT_FALSE(store.failing());
  const std::string elsewhere = folder.file("elsewhere.db");
  std::filesystem::rename(file, elsewhere);
  const auto lost = commit(store, {PutRecord{record("b")}});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, Errc::unavailable);
  EXPECT_EQ(lost.error().detail.find(file), std::string::npos) << "clients may read it";
  EXPECT_TRUE(store.failing());
  std::filesystem::rename(elsewhere, file);
  EXPECT_TRUE(commit(store, {PutRecord{record("b")}}));
  EXPECT_FALSE(store.failing());
}

TEST_F(SqliteStoreTest, one_unit_that_fails_in_a_batch_takes_no_other_with_it) {
  auto store = open(512 << 10);
  ASSERT_TRUE(store);
  std::size_t small = 0;
  std::size_t refused = 0;
  for (int i = 0; i < 100; ++i) {
    (*store)->commit({PutFact{"n" + std::to_string(i), ""}},
                     [&](Result<void> result) { small += result ? 1U : 0U; });
    (*store)->commit({PutRecord{record("r" + std::to_string(i), std::string(1 << 20, 'x'))}},
                     [&](Result<void> result) { refused += result ? 0U : 1U; });
  }
  ASSERT_TRUE(loop.run_until([&] { return small + refused == 200; }));
  EXPECT_EQ(small, 100U);
  EXPECT_EQ((*store)->count("unicast", "vas1").value(), 0U);
}

TEST_F(SqliteStoreTest, a_unit_beyond_its_bounds_is_refused_and_named) {
  auto store = open();
  ASSERT_TRUE(store);
  const auto large = commit(**store, {PutFact{"a", std::string(unit_bytes_max, 'x')}});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, Errc::too_large);
  const auto id =
      commit(**store, {PutEffect{{~std::uint64_t{0}, {"k", "i"}, "call", "{}", false, 0}}});
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, Errc::out_of_range);
}

// ---- a disk that fails ------------------------------------------------------------------------

/// SQLite's own file layer with switches that make writes or flushes of the write-ahead log fail.
struct FaultyDisk {
  static inline bool writes_fail = false;
  static inline bool syncs_fail = false;
  static inline const sqlite3_io_methods* real = nullptr;
  static inline sqlite3_io_methods methods{};
  static inline sqlite3_vfs vfs{};

  static int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
    return writes_fail ? SQLITE_IOERR_WRITE : real->xWrite(file, bytes, size, at);
  }
  static int sync(sqlite3_file* file, int flags) {
    return syncs_fail ? SQLITE_IOERR_FSYNC : real->xSync(file, flags);
  }
  static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* given) {
    auto* usual = static_cast<sqlite3_vfs*>(vfs.pAppData);
    const int code = usual->xOpen(usual, name, file, flags, given);
    if (code != SQLITE_OK || (flags & SQLITE_OPEN_WAL) == 0) return code;
    real = file->pMethods;
    methods = *real;
    methods.xWrite = write;
    methods.xSync = sync;
    file->pMethods = &methods;
    return code;
  }
  static void install() {
    writes_fail = syncs_fail = false;
    if (vfs.zName != nullptr) return;
    auto* usual = sqlite3_vfs_find(nullptr);
    vfs = *usual;
    vfs.zName = "lobo_faulty";
    vfs.pNext = nullptr;
    vfs.pAppData = usual;
    vfs.xOpen = open;
    ASSERT_EQ(sqlite3_vfs_register(&vfs, 0), SQLITE_OK);
  }
};

TEST_F(SqliteStoreTest, an_input_output_error_is_told_and_the_store_goes_on_when_the_disk_is_back) {
  FaultyDisk::install();
  auto store = open(0, "lobo_faulty");
  ASSERT_TRUE(store) << store.error().detail;
  ASSERT_TRUE(commit(**store, {PutFact{"a", "1"}}));
  for (bool* fault : {&FaultyDisk::writes_fail, &FaultyDisk::syncs_fail}) {
    *fault = true;
    const auto result = commit(**store, {PutFact{"a", "2"}, PutRecord{record("r")}});
    *fault = false;
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::unavailable);
    EXPECT_EQ((*store)->fact("a").value(), "1");
    EXPECT_EQ((*store)->count("unicast", "vas1").value(), 0U);
  }
  EXPECT_TRUE(commit(**store, {PutFact{"a", "3"}}));
  store->reset();
  store = open();
  EXPECT_EQ((*store)->fact("a").value(), "3");
}

TEST_F(SqliteStoreTest, a_damaged_page_is_an_error_and_not_the_end_of_the_process) {
  {
    auto store = open();
    ASSERT_TRUE(store);
    for (int i = 0; i < 200; ++i)
      (*store)->commit({PutRecord{record(std::to_string(i), std::string(2000, 'x'))}},
                       [](const Result<void>&) {});
  }
  const auto size = std::filesystem::file_size(file);
  std::fstream raw(file, std::ios::in | std::ios::out | std::ios::binary);
  for (std::uintmax_t at = 8192; at + 4096 <= size; at += 4096) {
    raw.seekp(static_cast<std::streamoff>(at));
    raw << std::string(512, '\xA5');
  }
  raw.close();
  auto store = open();
  ASSERT_TRUE(store) << store.error().detail;  // the schema's own page is whole
  const auto found = (*store)->list("unicast", "vas1", "", 1000);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::unavailable);
  EXPECT_FALSE(commit(**store, {PutRecord{record("new")}}));
}

// ---- the write-ahead log ----------------------------------------------------------------------

TEST_F(SqliteStoreTest, the_write_ahead_log_stays_within_its_bound_under_load) {
  auto store = open();
  ASSERT_TRUE(store);
  constexpr std::size_t units = 3000;
  constexpr std::size_t unit_bytes = 100'000;  // 300 MB in all
  const std::string large(unit_bytes, 'x');
  std::size_t sent = 0;
  std::size_t done = 0;
  std::uintmax_t largest = 0;
  std::function<void(Result<void>)> next = [&](const Result<void>& result) {
    EXPECT_TRUE(result);
    ++done;
    largest = std::max(largest, std::filesystem::file_size(file + "-wal"));
    if (sent < units) (*store)->commit({PutFact{std::to_string(sent++ % 50), large}}, next);
  };
  while (sent < 20) (*store)->commit({PutFact{std::to_string(sent++), large}}, next);
  ASSERT_TRUE(loop.run_until([&] { return done == units; }));
  // The batch that crosses the bound is written before the log is emptied.
  EXPECT_LE(largest, static_cast<std::uintmax_t>(wal_truncate_bytes) + 40 * unit_bytes);
}

}  // namespace
}  // namespace lobo::adapters::store
