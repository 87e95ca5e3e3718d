#pragma once
// The energy of the host from sample to sample: measured where counters allow it, else by the
// model, each interval labelled with how it is known. Idle and dynamic energy stay apart.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "energy/meter/cpu_time.hpp"
#include "energy/meter/power_model.hpp"
#include "energy/meter/zones.hpp"

namespace lobo::energy::meter {

struct HostSettings {
  PowerModel model;
  /// What counters do not see: power supply, fans, network cards, disks.
  double rest_w = 0;
  std::optional<double> idle_w;     ///< of the whole host; else the model's, or the least measured
  std::optional<double> standby_w;  ///< of the host in standby, where nothing measures it
  double zone_w_max = 1000;
  std::optional<double> measured_uncertainty;  ///< instead of what the zones suggest
  double pue = 1;  ///< of the building: what it draws for each joule of the host
  bool operator==(const HostSettings&) const = default;
};

/// One interval. Joules are the host's; the building's are `pue` times as many.
struct HostEnergy {
  double seconds = 0;
  double energy_j = 0;
  double idle_j = 0;     ///< drawn if nobody had been served
  double dynamic_j = 0;  ///< energy_j - idle_j
  double utilisation = 0;
  Method method = Method::declared;
  double rel_uncertainty = 0;
  Gap gap = Gap::none;  ///< why it is not measured, where counters exist
  bool operator==(const HostEnergy&) const = default;
};

class HostMeter {
 public:
  explicit HostMeter(HostSettings settings);

  /// `at` is monotonic time. Nothing at the first call, and for an interval without length.
  /// Without processor times the model assumes the utilisation of the last interval.
  std::optional<HostEnergy> sample(std::chrono::microseconds at, std::span<const ZoneReading> zones,
                                   const std::optional<CpuTimes>& times, bool in_standby = false);

  double idle_w() const;
  double max_w() const { return settings_.model.max_w(); }
  const HostSettings& settings() const { return settings_; }

 private:
  HostSettings settings_;
  ZoneCounters counters_;
  bool begun_ = false;
  std::chrono::microseconds at_{};
  std::optional<CpuTimes> times_;
  double utilisation_ = 0;
  std::optional<double> least_measured_w_;
};

}  // namespace lobo::energy::meter
