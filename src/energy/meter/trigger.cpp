#include "energy/meter/trigger.hpp"

#include <chrono>
#include <cstdlib>
#include <optional>

namespace lobo::energy::meter {

std::optional<double> value_of(Metric metric, const Figures& now) {
  switch (metric) {
    case Metric::power_w: return now.power_w;
    case Metric::cpu_load: return now.cpu_load;
    case Metric::throughput_mbps: return now.throughput_mbps;
    case Metric::energy_per_data_wh_per_gb: {
      if (!(now.throughput_mbps > 0)) return std::nullopt;
      const double joules_per_gb = now.power_w / (now.throughput_mbps / 8000);
      return joules_per_gb / 3600;
    }
    case Metric::efficiency_bit_per_j:
      if (!(now.power_w > 0)) return std::nullopt;
      return now.throughput_mbps * 1e6 / now.power_w;
  }
  std::abort();
}

Trigger::Change Trigger::look(std::chrono::microseconds at, const Figures& now) {
  const auto value = value_of(settings_.metric, now);
  // On the way back it is the other value that counts, and the other side of it.
  const bool rising = settings_.up != crossed_;
  const double mark = crossed_ ? settings_.clear : settings_.crossing;
  if (!value || !(rising ? *value >= mark : *value <= mark)) {
    beyond_since_.reset();
    return Change::none;
  }
  if (!beyond_since_) beyond_since_ = at;
  if (at - *beyond_since_ < settings_.dwell) return Change::none;
  beyond_since_.reset();
  crossed_ = !crossed_;
  return crossed_ ? Change::crossed : Change::cleared;
}

}  // namespace lobo::energy::meter
