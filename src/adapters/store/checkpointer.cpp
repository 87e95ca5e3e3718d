#include "adapters/store/checkpointer.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <mutex>
#include <utility>

#include "adapters/store/database.hpp"

namespace lobo::adapters::store {

Checkpointer::Checkpointer(Database& writer, Database own, std::int64_t page_bytes)
    : writer_(writer), own_(std::move(own)), page_bytes_(page_bytes) {
  sqlite3_wal_hook(writer_.handle(), &Checkpointer::on_wal, this);
  thread_ = std::thread([this] { loop(); });
}

Checkpointer::~Checkpointer() {
  stop();
  sqlite3_wal_hook(writer_.handle(), nullptr, nullptr);
}

int Checkpointer::on_wal(void* self, sqlite3*, const char*, int pages) {
  auto& me = *static_cast<Checkpointer*>(self);
  me.wal_bytes_ = pages * me.page_bytes_;
  return SQLITE_OK;
}

void Checkpointer::after_commit() {
  // The log began anew: everything in it had been moved.
  if (wal_bytes_ + wal_passive_bytes < passive_at_) passive_at_ = wal_bytes_ + wal_passive_bytes;
  if (wal_bytes_ < wal_truncate_bytes) truncate_at_ = wal_truncate_bytes;

  if (wal_bytes_ >= truncate_at_) {
    // Fails where somebody else reads an old snapshot; then the log may grow by as much again
    // before the next try, so that a forgotten reader costs disk but not time at each commit.
    truncate_at_ = wal_bytes_ + wal_truncate_bytes;
    sqlite3_wal_checkpoint_v2(writer_.handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr,
                              nullptr);
    return;
  }
  if (wal_bytes_ < passive_at_) return;
  passive_at_ = wal_bytes_ + wal_passive_bytes;
  const std::lock_guard lock(mutex_);
  wanted_ = true;
  wake_.notify_one();
}

void Checkpointer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Checkpointer::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return wanted_ || stopping_; });
    if (stopping_) return;
    wanted_ = false;
    lock.unlock();
    // A failure leaves the log as it is, which is safe; the truncation above will meet it again.
    sqlite3_wal_checkpoint_v2(own_.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    lock.lock();
  }
}

}  // namespace lobo::adapters::store
