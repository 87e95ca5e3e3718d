#include "adapters/store/writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/store/apply.hpp"
#include "adapters/store/checkpointer.hpp"
#include "adapters/store/database.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"

namespace lobo::adapters::store {

Writer::Writer(std::unique_ptr<Database> database, Applier applier,
               std::unique_ptr<Checkpointer> checkpointer, runtime::Scheduler& scheduler,
               Instruments instruments)
    : database_(std::move(database)),
      applier_(std::move(applier)),
      checkpointer_(std::move(checkpointer)),
      scheduler_(scheduler),
      instruments_(instruments) {
  thread_ = std::thread([this] { loop(); });
}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  checkpointer_->stop();
}

void Writer::refuse(Done done, Errc code, std::string_view why) {
  if (instruments_.failures != nullptr) instruments_.failures->add(1);
  scheduler_.post(
      [done = std::move(done), error = Error{code, std::string(why), {}}] { done(fail(error)); });
}

void Writer::commit(std::vector<runtime::StoreChange> changes, Done done) {
  if (auto checked = check(changes); !checked)
    return refuse(std::move(done), checked.error().code, checked.error().detail);
  Unit unit{std::move(changes), std::move(done), 0, {}};
  unit.bytes = bytes_of(unit.changes);
  if (unit.bytes > unit_bytes_max)
    return refuse(std::move(unit.done), Errc::too_large,
                  fmt::format("a unit of {} bytes is more than the store takes ({})", unit.bytes,
                              unit_bytes_max));

  std::unique_lock lock(mutex_);
  if (queue_.size() >= queue_units_max || queue_bytes_ + unit.bytes > queue_bytes_max) {
    lock.unlock();
    return refuse(std::move(unit.done), Errc::too_many,
                  "the store's queue is full; try again later");
  }
  queue_bytes_ += unit.bytes;
  queue_.push_back(std::move(unit));
  if (queue_.size() == 1) wake_.notify_one();
}

void Writer::loop() {
  Batch batch;
  while (take(batch)) {
    write(batch);
    finish(std::exchange(batch, {}));
    checkpointer_->after_commit();
  }
}

bool Writer::take(Batch& batch) {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return !queue_.empty() || stopping_; });
  const auto size = std::min(queue_.size(), batch_units_max);
  const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(size);
  batch.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
  queue_.erase(queue_.begin(), end);
  for (const auto& unit : batch) queue_bytes_ -= unit.bytes;
  return !batch.empty();
}

void Writer::write(Batch& batch) {
  const auto began = std::chrono::steady_clock::now();
  auto* const first = batch.data();
  auto* const last = first + batch.size();
  const auto together = transact(first, last);
  failing_ = !together && together.error().error.code == Errc::unavailable;
  if (!together) {
    // No unit pays for isolation before one has failed: the batch was rolled back whole, and where
    // the cause may lie in one of its units, each is tried alone.
    const bool alone = !together.error().whole_batch && batch.size() > 1;
    for (auto* unit = first; unit != last; ++unit) {
      const auto single = alone ? transact(unit, unit + 1) : together;
      if (!single) unit->result = fail(single.error().error);
      if (!single && instruments_.failures != nullptr) instruments_.failures->add(1);
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  if (instruments_.commit_seconds != nullptr) instruments_.commit_seconds->observe(took.count());
  if (instruments_.units != nullptr) instruments_.units->add(static_cast<double>(batch.size()));
}

tl::expected<void, Failure> Writer::transact(Unit* first, Unit* last) {
  const auto failed = [this](std::string_view doing) {
    auto failure = database_->failure(doing);
    database_->rollback();
    applier_.forget();
    return tl::unexpected<Failure>(std::move(failure));
  };
  if (!database_->is_where_it_was())
    return tl::unexpected<Failure>(Failure{
        Error{Errc::unavailable, "store: the file was deleted or renamed while in use", {}}, true});
  if (!applier_.begin()) return failed("begin");
  const bool written =
      std::all_of(first, last, [this](const Unit& unit) { return applier_.apply(unit.changes); });
  if (!written) return failed("write");
  if (!applier_.commit()) return failed("commit");
  return {};
}

void Writer::finish(Batch batch) {
  // One wake-up of the loop for the whole batch. std::function wants to be copyable, hence shared.
  auto finished = std::make_shared<Batch>(std::move(batch));
  scheduler_.post([finished] {
    for (auto& unit : *finished) unit.done(std::move(unit.result));
  });
}

}  // namespace lobo::adapters::store
