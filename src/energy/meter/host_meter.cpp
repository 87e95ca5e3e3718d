#include "energy/meter/host_meter.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <span>
#include <utility>

#include "energy/meter/cpu_time.hpp"
#include "energy/meter/power_model.hpp"
#include "energy/meter/zones.hpp"

namespace lobo::energy::meter {
namespace {

double uncertainty_of(Coverage coverage) {
  switch (coverage) {
    case Coverage::platform: return platform_uncertainty;
    case Coverage::package_and_dram: return package_and_dram_uncertainty;
    case Coverage::package: return package_uncertainty;
    case Coverage::nothing: return 1;
  }
  std::abort();
}

}  // namespace

HostMeter::HostMeter(HostSettings settings)
    : settings_(std::move(settings)), counters_(settings_.zone_w_max) {}

double HostMeter::idle_w() const {
  if (settings_.idle_w) return *settings_.idle_w;
  // The least power ever measured is an upper bound that only gets better; the share of processor
  // time would make idle power vanish under load.
  return least_measured_w_.value_or(settings_.model.idle_w());
}

std::optional<HostEnergy> HostMeter::sample(std::chrono::microseconds at,
                                            std::span<const ZoneReading> zones,
                                            const std::optional<CpuTimes>& times, bool in_standby) {
  const Grown grown = counters_.read(at, zones);
  if (times && times_) utilisation_ = utilisation(*times_, *times);
  if (times) times_ = times;
  const double seconds = std::chrono::duration<double>(at - std::exchange(at_, at)).count();
  if (!std::exchange(begun_, true) || seconds <= 0) return std::nullopt;

  HostEnergy host{.seconds = seconds, .utilisation = utilisation_, .gap = grown.gap};
  if (grown.energy_uj) {
    host.energy_j = static_cast<double>(*grown.energy_uj) * 1e-6 + settings_.rest_w * seconds;
    host.method = Method::measured_rapl;
    host.rel_uncertainty = settings_.measured_uncertainty.value_or(uncertainty_of(grown.coverage));
    const double watts = host.energy_j / seconds;
    least_measured_w_ = std::min(watts, least_measured_w_.value_or(watts));
  } else if (in_standby && settings_.standby_w) {
    host.energy_j = *settings_.standby_w * seconds;
    host.method = Method::declared;
    host.rel_uncertainty = table_uncertainty;
  } else {
    host.energy_j = settings_.model.at(utilisation_) * seconds;
    host.method = settings_.model.method;
    host.rel_uncertainty = settings_.model.rel_uncertainty;
  }
  host.idle_j = std::min(host.energy_j, idle_w() * seconds);
  host.dynamic_j = host.energy_j - host.idle_j;
  return host;
}

}  // namespace lobo::energy::meter
