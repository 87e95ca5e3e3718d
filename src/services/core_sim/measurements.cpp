#include "services/core_sim/measurements.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "base/quantity.hpp"
#include "base/rng.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/world.hpp"

namespace lobo::core_sim {

namespace {

std::chrono::milliseconds delay_of(std::chrono::milliseconds base, const Quality& wanted,
                                   const Link& link) {
  if (wanted.delay_budget) base = std::min(base, *wanted.delay_budget / 2);
  return base + link.delay;
}

BitsPerSecond rate_of(BitsPerSecond guaranteed, const std::optional<BitsPerSecond>& limit) {
  const auto rate = guaranteed.count == 0 ? best_effort_rate : guaranteed;
  return limit ? std::min(rate, *limit) : rate;
}

bool too_slow(BitsPerSecond guaranteed, const std::optional<BitsPerSecond>& limit) {
  return guaranteed.count > 0 && limit && *limit < guaranteed;
}

}  // namespace

Experience experience(const Quality& wanted, const CellConfig& cell, const Link& link) {
  return {.delay_dl = delay_of(cell.delay_dl, wanted, link),
          .delay_ul = delay_of(cell.delay_ul, wanted, link),
          .loss_ppm = link.loss_ppm,
          .rate_dl = rate_of(wanted.gbr_dl, link.rate_dl),
          .rate_ul = rate_of(wanted.gbr_ul, link.rate_ul)};
}

Shortfall shortfall(const Quality& wanted, const CellConfig& cell, const Link& link) {
  const auto got = experience(wanted, cell, link);
  const bool lossy = wanted.loss_ppm_max && got.loss_ppm > *wanted.loss_ppm_max;
  const auto late = [&](std::chrono::milliseconds delay) {
    return wanted.delay_budget && delay > *wanted.delay_budget;
  };
  return {.dl = lossy || late(got.delay_dl) || too_slow(wanted.gbr_dl, link.rate_dl),
          .ul = lossy || late(got.delay_ul) || too_slow(wanted.gbr_ul, link.rate_ul)};
}

std::uint64_t measured_ms(std::chrono::milliseconds delay, Rng& rng) {
  return static_cast<std::uint64_t>(delay.count()) +
         rng.below(static_cast<std::uint64_t>(jitter_max.count()) + 1);
}

std::uint64_t measured_jitter_ms(const Link& link, Rng& rng) {
  return rng.below(static_cast<std::uint64_t>(jitter_max.count()) + 1) +
         static_cast<std::uint64_t>(link.delay.count()) / 10;
}

BitsPerSecond measured_rate(BitsPerSecond rate, std::uint32_t loss_ppm, Rng& rng) {
  constexpr std::uint64_t million = 1'000'000;
  const auto arriving = rate.count / million * (million - loss_ppm) +
                        rate.count % million * (million - loss_ppm) / million;
  return {arriving - arriving / 1'000 * rng.below(21)};
}

void Meter::advance(BitsPerSecond dl, BitsPerSecond ul, Instant now) {
  if (now <= since_) return;
  const auto elapsed = now - since_;
  const auto micros = static_cast<Wide>(static_cast<std::uint64_t>(elapsed.count()));
  bit_micros_dl_ += micros * dl.count;
  bit_micros_ul_ += micros * ul.count;
  duration_ += elapsed;
  since_ = now;
}

void Meter::add(std::uint64_t bytes_dl, std::uint64_t bytes_ul) {
  bit_micros_dl_ += Wide{bytes_dl} * 8'000'000U;
  bit_micros_ul_ += Wide{bytes_ul} * 8'000'000U;
}

void Meter::reset() {
  bit_micros_dl_ = 0;
  bit_micros_ul_ = 0;
  duration_ = {};
}

}  // namespace lobo::core_sim
