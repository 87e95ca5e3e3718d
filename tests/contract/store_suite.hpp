#pragma once
// What every runtime::Store must do. An implementation gives a StoreWorld and instantiates the
// suite.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/ports.hpp"
#include "support/test_loop.hpp"

namespace lobo::contract {

struct StoreWorld {
  StoreWorld() = default;
  StoreWorld(const StoreWorld&) = delete;
  StoreWorld& operator=(const StoreWorld&) = delete;
  virtual ~StoreWorld() = default;
  virtual runtime::Store& store() = 0;
  /// Ends the store after its last acknowledged unit and starts another on what it left.
  virtual void restart() = 0;
  testing::TestLoop loop;
};

struct StoreMaker {
  const char* name;
  std::function<std::unique_ptr<StoreWorld>()> make;
};

class StoreContract : public ::testing::TestWithParam<StoreMaker> {
 protected:
  using Unit = std::vector<runtime::StoreChange>;

  runtime::Store& store() { return world_->store(); }
  testing::TestLoop& loop() { return world_->loop; }
  void restart() { world_->restart(); }

  /// Commits one unit and waits for its completion.
  Result<void> commit(Unit unit) {
    std::optional<Result<void>> answer;
    store().commit(std::move(unit), [&](Result<void> result) { answer = std::move(result); });
    EXPECT_FALSE(answer) << "completed inside the call";
    EXPECT_TRUE(loop().run_until([&] { return answer.has_value(); }));
    return answer ? *answer : fail(Errc::timeout, "no completion");
  }

 private:
  std::unique_ptr<StoreWorld> world_ = GetParam().make();
};

}  // namespace lobo::contract
