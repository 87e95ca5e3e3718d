#pragma once
// The control-plane event loop on the real world: timers, work from other threads, signals. Asio
// stands behind it and is not seen here; asio_loop.hpp is for the few files of this folder that do
// I/O.

#include <chrono>
#include <functional>
#include <memory>

#include "base/clock.hpp"
#include "runtime/ports.hpp"

namespace lobo::adapters {

class EventLoop final : public runtime::Scheduler {
 public:
  EventLoop();
  ~EventLoop() override;

  TimerId after(std::chrono::microseconds delay, std::function<void()> work) override;
  void cancel(TimerId timer) override;
  void post(std::function<void()> work) override;

  /// Runs work until stop(); may be called again afterwards.
  void run();
  /// From any thread or from work on the loop.
  void stop();
  /// Runs `work` on the loop at each arrival of `signal` (SIGTERM, SIGINT, SIGHUP …) instead of the
  /// process's default.
  void on_signal(int signal, std::function<void()> work);

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// The wall clock.
class SystemClock final : public Clock {
 public:
  Instant now() const override {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
};

}  // namespace lobo::adapters
