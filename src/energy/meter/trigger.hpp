#pragma once
// Thresholds that make a report at once. Crossing and clearing are two values, and a value has to
// stay beyond one for a while: a threshold does not chatter.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace lobo::energy::meter {

/// What the agent itself can compare; others are the AF's to know.
enum class Metric : std::uint8_t {
  power_w,
  cpu_load,
  throughput_mbps,
  energy_per_data_wh_per_gb,
  efficiency_bit_per_j,
};

struct Figures {
  double power_w = 0;
  double cpu_load = 0;
  double throughput_mbps = 0;
};

/// Nothing where the figure has no value: energy per byte without bytes.
std::optional<double> value_of(Metric metric, const Figures& now);

struct TriggerSettings {
  std::string id;
  Metric metric{};
  bool up = true;  ///< crossed when the value rises to `crossing`
  double crossing = 0;
  double clear = 0;
  std::chrono::seconds dwell{};
  bool operator==(const TriggerSettings&) const = default;
};

class Trigger {
 public:
  enum class Change : std::uint8_t { none, crossed, cleared };

  explicit Trigger(TriggerSettings settings) : settings_(std::move(settings)) {}
  Change look(std::chrono::microseconds at, const Figures& now);
  bool crossed() const { return crossed_; }
  const TriggerSettings& settings() const { return settings_; }

 private:
  TriggerSettings settings_;
  bool crossed_ = false;
  std::optional<std::chrono::microseconds> beyond_since_;
};

}  // namespace lobo::energy::meter
