#pragma once
// Moves pages from the write-ahead log into the file, beside the writer: SQLite's own checkpoint
// runs inside the commit that crosses its limit and makes that one wait for two more fsyncs. A busy
// writer may keep the log from ever starting anew; past wal_truncate_bytes the writer itself pauses
// to empty it.

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

#include "adapters/store/database.hpp"

namespace lobo::adapters::store {

inline constexpr std::int64_t wal_passive_bytes = std::int64_t{16} << 20U;   ///< growth between two
inline constexpr std::int64_t wal_truncate_bytes = std::int64_t{64} << 20U;  ///< size that stops us

class Checkpointer {
 public:
  /// `writer` is the writer's connection, `own` one for this thread.
  Checkpointer(Database& writer, Database own, std::int64_t page_bytes);
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  /// By the writer, between two transactions.
  void after_commit();
  void stop();

 private:
  static int on_wal(void* self, sqlite3*, const char*, int pages);
  void loop();

  Database& writer_;
  Database own_;
  const std::int64_t page_bytes_;
  std::int64_t wal_bytes_ = 0;  ///< writer's thread only
  std::int64_t passive_at_ = wal_passive_bytes;
  std::int64_t truncate_at_ = wal_truncate_bytes;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool wanted_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace lobo::adapters::store
