#pragma once
// Whose the host's energy is: idle energy by the capacity that each service location reserves
// there, dynamic energy by the bytes that it sent. Both are told apart, and nothing is left out or
// counted twice: the parts, with what is of no location, add up to the host.

#include <cstdint>
#include <span>
#include <vector>

namespace lobo::energy::meter {

struct Tenant {
  double reserved_share = 0;  ///< any unit; all 0: equal
  std::uint64_t bytes = 0;
};

struct Part {
  double idle_j = 0;
  double dynamic_j = 0;
  bool operator==(const Part&) const = default;
};

struct Attribution {
  std::vector<Part> of;  ///< by tenant
  Part other;  ///< dynamic energy of bytes that are of no location; idle where there is none
};

/// Where nobody sent a byte, dynamic energy goes by reserved capacity as well.
Attribution attribute(double idle_j, double dynamic_j, std::span<const Tenant> tenants,
                      std::uint64_t other_bytes);

}  // namespace lobo::energy::meter
