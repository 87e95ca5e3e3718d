#pragma once
// Values for one worker, made by the control loop: the worker never waits, and what it does not use
// any more is freed by who made it. The newest value counts; one that was not taken is replaced.

#include <atomic>
#include <memory>

namespace lobo::app {

template <class T>
class Handover {
 public:
  Handover() = default;
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;
  ~Handover() {
    delete next_.load();
    delete old_.load();
    delete current_;
  }

  // The control loop.

  void give(std::unique_ptr<T> value) {
    delete next_.exchange(value.release());
    collect();
  }
  /// What was given and not taken, back; null where the worker has it.
  std::unique_ptr<T> take_back() { return std::unique_ptr<T>(next_.exchange(nullptr)); }
  /// Frees what the worker put aside. Until then it takes nothing new.
  void collect() { delete old_.exchange(nullptr); }

  // The worker.

  /// What was given since the last call, or null. It holds until something new is taken.
  T* take_new() noexcept {
    if (next_.load(std::memory_order_relaxed) == nullptr) return nullptr;
    if (old_.load() != nullptr) return nullptr;
    T* const next = next_.exchange(nullptr);
    if (next == nullptr) return nullptr;  // taken back in between
    old_.store(current_);
    current_ = next;
    return next;
  }
  /// Null where nothing was ever taken.
  T* current() const noexcept { return current_; }

 private:
  std::atomic<T*> next_{nullptr};
  std::atomic<T*> old_{nullptr};
  T* current_ = nullptr;
};

}  // namespace lobo::app
