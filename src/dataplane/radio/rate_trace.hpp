#pragma once
// The rate of a cell over time: constant, or steps that repeat.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/quantity.hpp"
#include "base/result.hpp"
#include "dataplane/elapsed.hpp"

namespace lobo::dataplane {

inline constexpr std::size_t trace_steps_max = 100'000;
inline constexpr BitsPerSecond cell_rate_min{1000};  ///< of what is not an outage
inline constexpr BitsPerSecond cell_rate_max{1'000'000'000'000};

class RateTrace {
 public:
  struct Step {
    Elapsed lasts{};
    BitsPerSecond rate;  ///< 0: an outage
    bool operator==(const Step&) const = default;
  };

  /// Nothing where a step or its rate is out of bounds, or no step sends anything.
  static std::optional<RateTrace> of(std::vector<Step> steps);
  /// Within cell_rate_min and cell_rate_max.
  static RateTrace constant(BitsPerSecond rate);
  /// Lines of "SECONDS RATE", such as "2.5 8 Mbps"; "#" begins a comment. The fault names the line.
  static Result<RateTrace> parse(std::string_view text);

  BitsPerSecond at(Elapsed time) const;
  /// When the last bit is sent of what begins to be sent at `start`.
  Elapsed end_of(Elapsed start, std::uint32_t octets) const;

  bool is_constant() const { return steps_.size() == 1; }
  const std::vector<Step>& steps() const { return steps_; }

 private:
  explicit RateTrace(std::vector<Step> steps);
  /// The step at `time`, and when it ends.
  std::size_t step_at(Elapsed time, Elapsed& ends) const;

  std::vector<Step> steps_;
  std::vector<Elapsed> ends_;  ///< of each step, in the period
  double period_bits_ = 0;
};

}  // namespace lobo::dataplane
