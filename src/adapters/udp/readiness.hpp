#pragma once
// A descriptor of somebody else's on the event loop: work is run when it can be read. What to read,
// and how much at a time, is the owner's affair.

#include <functional>
#include <memory>

#include "adapters/http/loop.hpp"

namespace lobo::adapters {

class Readiness {
 public:
  /// `descriptor` outlives this. `work` reads until nothing is there, or is called again.
  Readiness(EventLoop& loop, int descriptor, std::function<void()> work);
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lobo::adapters
