#pragma once
// A scheduler whose work ends with it: what is still waiting when it goes is dropped. Objects that
// put themselves off to later take one of these, so that they may be destroyed at any time.

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "runtime/ports.hpp"

namespace lobo::runtime {

class ScopedScheduler final : public Scheduler {
 public:
  explicit ScopedScheduler(Scheduler& inner) : inner_(inner) {}

  TimerId after(std::chrono::microseconds delay, std::function<void()> work) override {
    return inner_.after(delay, guarded(std::move(work)));
  }
  void cancel(TimerId timer) override { inner_.cancel(timer); }
  void post(std::function<void()> work) override { inner_.post(guarded(std::move(work))); }

 private:
  std::function<void()> guarded(std::function<void()> work) const {
    return [work = std::move(work), alive = std::weak_ptr<bool>(alive_)] {
      if (alive.lock()) work();
    };
  }
  Scheduler& inner_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace lobo::runtime
