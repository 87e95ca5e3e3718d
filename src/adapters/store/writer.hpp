#pragma once
// The one thread that writes. Whatever was queued while the last transaction was made durable is
// the next transaction: alone, a unit waits for nobody; under load, many share one fsync.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "adapters/store/apply.hpp"
#include "adapters/store/checkpointer.hpp"
#include "adapters/store/database.hpp"
#include "runtime/ports.hpp"

namespace lobo::adapters::store {

inline constexpr std::size_t batch_units_max = 512;
inline constexpr std::size_t queue_units_max = 16384;
inline constexpr std::size_t queue_bytes_max = std::size_t{64} << 20U;
inline constexpr std::size_t unit_bytes_max = std::size_t{8} << 20U;

struct Instruments {
  runtime::Histogram* commit_seconds = nullptr;  ///< of one transaction, fsync included
  runtime::Counter* units = nullptr;
  runtime::Counter* failures = nullptr;
};

class Writer {
 public:
  using Done = std::function<void(Result<void>)>;

  /// `database` is open, migrated and the writer's alone from here on.
  Writer(std::unique_ptr<Database> database, Applier applier,
         std::unique_ptr<Checkpointer> checkpointer, runtime::Scheduler& scheduler,
         Instruments instruments);
  /// Writes what is queued first.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void commit(std::vector<runtime::StoreChange> unit, Done done);
  /// Whether the last transaction could not be written, for a reason that lies outside it.
  bool failing() const { return failing_; }

 private:
  struct Unit {
    std::vector<runtime::StoreChange> changes;
    Done done;
    std::size_t bytes = 0;
    Result<void> result;
  };
  using Batch = std::vector<Unit>;

  void refuse(Done done, Errc code, std::string_view why);
  void loop();
  bool take(Batch& batch);
  void write(Batch& batch);
  tl::expected<void, Failure> transact(Unit* first, Unit* last);
  void finish(Batch batch);

  std::unique_ptr<Database> database_;  ///< at a fixed address: the applier points at it
  Applier applier_;
  std::unique_ptr<Checkpointer> checkpointer_;
  runtime::Scheduler& scheduler_;
  Instruments instruments_;

  std::atomic<bool> failing_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Unit> queue_;
  std::size_t queue_bytes_ = 0;  ///< invariant: the sum of `bytes` over queue_
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace lobo::adapters::store
