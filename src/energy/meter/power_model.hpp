#pragma once
// Power from utilisation, where nothing measures it: the ladder from a curve of this very server
// down to a table of watts a virtual processor. Bytes alone never become energy: that would make
// all locations look alike and hide what idles.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace lobo::energy::meter {

/// How a figure is known. Names as reports carry them.
enum class Method : std::uint8_t { measured_rapl, model_cpu, declared };

constexpr std::string_view to_string(Method method) {
  switch (method) {
    case Method::measured_rapl: return "MEASURED_RAPL";
    case Method::model_cpu: return "MODEL_CPU";
    case Method::declared: return "DECLARED";
  }
  std::abort();
}

inline constexpr std::size_t curve_points_max = 101;
inline constexpr double watts_max = 1e6;

/// Power of a host at equal steps of utilisation from 0 to 1: two points are a line, eleven a
/// SPECpower curve.
struct PowerModel {
  std::vector<double> watts;
  /// Above 1, with two points: the share of the range is 2u - u^r instead of u.
  double exponent = 0;
  Method method = Method::declared;
  double rel_uncertainty = 0.4;
  bool operator==(const PowerModel&) const = default;

  double at(double utilisation) const;
  double idle_w() const { return at(0); }
  double max_w() const { return at(1); }
};

// Relative uncertainties that hold unless the operator knows better.
inline constexpr double platform_uncertainty = 0.05;
inline constexpr double package_and_dram_uncertainty = 0.10;
inline constexpr double package_uncertainty = 0.20;  ///< memory is not seen at all
inline constexpr double curve_uncertainty = 0.15;
inline constexpr double line_uncertainty = 0.25;
inline constexpr double table_uncertainty = 0.40;

/// Watts a virtual processor of common server families, idle and busy, as published with the Cloud
/// Carbon Footprint coefficients. `family` "average" is the default.
struct VcpuWatts {
  std::string_view family;
  double idle_w;
  double max_w;
};
std::optional<VcpuWatts> vcpu_watts(std::string_view family);
std::string vcpu_families();  ///< for messages: "average, epyc1, …"

PowerModel table_model(const VcpuWatts& family, unsigned vcpus);

/// Nothing, or what is wrong with it: too few or too many points, power that falls, negative or
/// immense.
Result<void> check(const PowerModel& model);

}  // namespace lobo::energy::meter
