#pragma once
// What the network would measure on a flow. Simple and repeatable; the README says how.

#include <chrono>
#include <cstdint>

#include "base/clock.hpp"
#include "base/quantity.hpp"
#include "base/rng.hpp"
#include "services/core_sim/admission.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/world.hpp"

namespace lobo::core_sim {

/// What a flow experiences without jitter.
struct Experience {
  std::chrono::milliseconds delay_dl{};
  std::chrono::milliseconds delay_ul{};
  std::uint32_t loss_ppm = 0;
  BitsPerSecond rate_dl;
  BitsPerSecond rate_ul;
};

/// Which directions of a flow do not get what `wanted` says.
struct Shortfall {
  bool dl = false;
  bool ul = false;
  bool any() const { return dl || ul; }
  bool operator==(const Shortfall&) const = default;
};

/// A flow without a guaranteed rate is thought to send this much.
inline constexpr BitsPerSecond best_effort_rate{1'000'000};
inline constexpr std::chrono::milliseconds jitter_max{3};

/// Admission promised the delay budget, so the scheduler keeps within it: the delay is the cell's,
/// or half of the budget where that is less. Degradation of the link comes on top.
Experience experience(const Quality& wanted, const CellConfig& cell, const Link& link);

/// `link` alone decides: whether the cell has room is Admission's business.
Shortfall shortfall(const Quality& wanted, const CellConfig& cell, const Link& link);

/// A measured delay: `delay` plus up to jitter_max.
std::uint64_t measured_ms(std::chrono::milliseconds delay, Rng& rng);
/// Jitter as a packet delay variation report has it.
std::uint64_t measured_jitter_ms(const Link& link, Rng& rng);
/// A measured rate: `rate` less what is lost, less up to 2 percent.
BitsPerSecond measured_rate(BitsPerSecond rate, std::uint32_t loss_ppm, Rng& rng);

/// Octets that a flow has carried, exactly: the integral of a piecewise constant rate.
class Meter {
 public:
  void start(Instant at) { since_ = at; }
  /// Counts from the last call until `now` at these rates.
  void advance(BitsPerSecond dl, BitsPerSecond ul, Instant now);
  /// What somebody else has counted.
  void add(std::uint64_t bytes_dl, std::uint64_t bytes_ul);
  std::uint64_t bytes_dl() const { return bytes(bit_micros_dl_); }
  std::uint64_t bytes_ul() const { return bytes(bit_micros_ul_); }
  std::chrono::microseconds duration() const { return duration_; }
  /// From zero again; time goes on.
  void reset();

 private:
  using Wide = unsigned __int128;  // 10^12 bit/s for 30 years in microseconds does not fit 64 bits
  static std::uint64_t bytes(Wide bit_micros) {
    return static_cast<std::uint64_t>(bit_micros / 8'000'000U);
  }
  Instant since_{};
  std::chrono::microseconds duration_{};
  Wide bit_micros_dl_ = 0;
  Wide bit_micros_ul_ = 0;
};

}  // namespace lobo::core_sim
