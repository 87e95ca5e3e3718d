#include "energy/meter/attribution.hpp"

#include <cstdint>
#include <span>

namespace lobo::energy::meter {

Attribution attribute(double idle_j, double dynamic_j, std::span<const Tenant> tenants,
                      std::uint64_t other_bytes) {
  Attribution parts;
  if (tenants.empty()) {
    parts.other = {idle_j, dynamic_j};
    return parts;
  }
  double reserved = 0;
  auto bytes = static_cast<double>(other_bytes);
  for (const Tenant& tenant : tenants) {
    reserved += tenant.reserved_share;
    bytes += static_cast<double>(tenant.bytes);
  }
  for (const Tenant& tenant : tenants) {
    const double by_capacity =
        reserved > 0 ? tenant.reserved_share / reserved : 1 / static_cast<double>(tenants.size());
    const double by_bytes = bytes > 0 ? static_cast<double>(tenant.bytes) / bytes : by_capacity;
    parts.of.push_back({idle_j * by_capacity, dynamic_j * by_bytes});
  }
  if (bytes > 0) parts.other.dynamic_j = dynamic_j * (static_cast<double>(other_bytes) / bytes);
  return parts;
}

}  // namespace lobo::energy::meter
