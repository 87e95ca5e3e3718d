#pragma once
// Hands the keys that come by TLS to those who seal, in front of each of their turns.

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "eas_keys.hpp"
#include "live/leased_marks.hpp"

namespace lobo::app {

class EasKeyWatch {
 public:
  using Time = std::chrono::steady_clock::time_point;

  EasKeyWatch() = default;
  /// `keys` outlives it; null: keys do not come, and nothing happens here.
  EasKeyWatch(EasKeys* keys, std::function<void(std::string_view)> tell)
      : keys_(keys), tell_(std::move(tell)) {}

  /// A key that came is used for what is sealed from now on, and one that expired for nothing more,
  /// whether or not anybody said so.
  void look(Time now, std::span<LeasedMarks* const> users);
  /// When look() has something to do by itself.
  std::optional<Time> expires() const { return expires_; }

 private:
  EasKeys* keys_ = nullptr;
  std::optional<Time> expires_;
  std::function<void(std::string_view)> tell_;
};

}  // namespace lobo::app
