#include "energy/meter/power_model.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/require.hpp"
#include "base/result.hpp"

namespace lobo::energy::meter {
namespace {

constexpr std::array<VcpuWatts, 4> families{{{"average", 0.74, 3.5},
                                             {"epyc1", 0.82, 2.55},
                                             {"epyc2", 0.47, 1.69},
                                             {"cascadelake", 0.64, 3.97}}};

}  // namespace

double PowerModel::at(double utilisation) const {
  require(watts.size() >= 2);
  const double u = std::isfinite(utilisation) ? std::clamp(utilisation, 0.0, 1.0) : 0.0;
  if (watts.size() == 2 && exponent > 1) {
    const double share = std::clamp(2 * u - std::pow(u, exponent), 0.0, 1.0);
    return watts[0] + (watts[1] - watts[0]) * share;
  }
  const double place = u * static_cast<double>(watts.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(place), watts.size() - 2);
  const double part = place - static_cast<double>(below);
  return watts[below] + (watts[below + 1] - watts[below]) * part;
}

std::optional<VcpuWatts> vcpu_watts(std::string_view family) {
  const auto found = std::ranges::find(families, family, &VcpuWatts::family);
  if (found == families.end()) return std::nullopt;
  return *found;
}

std::string vcpu_families() {
  std::string names;
  for (const auto& family : families) (names += names.empty() ? "" : ", ") += family.family;
  return names;
}

PowerModel table_model(const VcpuWatts& family, unsigned vcpus) {
  return {.watts = {family.idle_w * vcpus, family.max_w * vcpus},
          .exponent = 0,
          .method = Method::declared,
          .rel_uncertainty = table_uncertainty};
}

Result<void> check(const PowerModel& model) {
  if (model.watts.size() < 2 || model.watts.size() > curve_points_max)
    return fail(Errc::out_of_range, "a curve of power has 2 to 101 points");
  if (!std::ranges::all_of(model.watts, [](double w) { return w >= 0 && w <= watts_max; }))
    return fail(Errc::out_of_range, "power is 0 to 1,000,000 W");
  if (!std::ranges::is_sorted(model.watts))
    return fail(Errc::out_of_range, "power does not fall as utilisation rises");
  if (model.exponent != 0 &&
      !(model.exponent > 1 && model.exponent <= 2 && model.watts.size() == 2))
    return fail(Errc::out_of_range, "an exponent is above 1, at most 2, and goes with two points");
  return {};
}

}  // namespace lobo::energy::meter
