#pragma once
// What was measured of some flows over some time, and the report of TS 29.548 that it makes.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/sdd_relay.hpp"
#include "api/sdd_tqm.hpp"
#include "base/clock.hpp"
#include "services/sealdd/histogram.hpp"

namespace lobo::sealdd {

/// Seconds of which octets are still being collected.
inline constexpr std::size_t open_seconds_max = 8;
inline constexpr int percentile_usual = 99;

class Aggregate {
 public:
  void add(const api::sdd_relay::RelayWindow& window);
  bool empty() const { return windows_ == 0; }
  void clear() { *this = Aggregate(); }

  std::uint64_t packets() const { return packets_; }
  std::uint64_t lost() const { return lost_; }
  const Distribution& delay() const { return delay_; }    ///< microseconds
  const Distribution& jitter() const { return jitter_; }  ///< microseconds
  std::int64_t loss_ppm() const;
  double bits_per_second() const;
  double bits_per_second(api::sdd_relay::RelayWindowDirection direction) const;

  /// Members of `what` alone; nothing where nothing of it was measured. `more`: with extensions.
  std::optional<api::sdd_tqm::TransQualMeasData> data(
      const std::vector<api::sdd_tqm::MeasurementId>& what, int percent, bool more,
      Instant now) const;

 private:
  Distribution rates() const;

  std::uint64_t windows_ = 0;
  std::uint64_t packets_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t bytes_down_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t conflated_ = 0;
  std::uint64_t expired_ = 0;
  std::uint64_t duplicates_ = 0;
  Distribution delay_, jitter_, age_;
  Distribution loss_;                           ///< of windows, tenths of a percent
  Distribution rates_;                          ///< of seconds that are over, kilobits
  std::map<std::int64_t, std::uint64_t> open_;  ///< octets by second
  Instant from_{}, until_{};
  bool estimated_ = false;
  std::int64_t clock_error_us_ = 0;
};

}  // namespace lobo::sealdd
