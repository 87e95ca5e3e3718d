#pragma once
// Energy counters of the kernel's powercap zones (RAPL): which of them add up to the host without
// counting anything twice, and how much each grew, over wraps and resets.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lobo::energy::meter {

inline constexpr std::size_t zones_max = 64;

enum class ZoneFault : std::uint8_t {
  none,
  denied,      ///< the counter exists, and we may not read it
  unreadable,  ///< it exists, and what it holds is no number
};

struct ZoneReading {
  std::string path;  ///< "intel-rapl:0:1", unique on the host
  std::string name;  ///< "psys", "package-0", "dram", "core"
  std::uint64_t energy_uj = 0;
  std::uint64_t range_uj = 0;  ///< what the counter holds before it begins at 0 again
  ZoneFault fault = ZoneFault::none;
  bool operator==(const ZoneReading&) const = default;
};

/// What the chosen zones cover.
enum class Coverage : std::uint8_t {
  nothing,
  package,           ///< processors alone
  package_and_dram,  ///< a package's counter excludes memory
  platform,          ///< psys: the whole board, as far as the platform wires it
};

constexpr std::string_view to_string(Coverage coverage) {
  switch (coverage) {
    case Coverage::nothing: return "nothing";
    case Coverage::package: return "package";
    case Coverage::package_and_dram: return "package_and_dram";
    case Coverage::platform: return "platform";
  }
  std::abort();
}

struct Choice {
  std::vector<std::size_t> zones;  ///< indices into what was read
  Coverage coverage = Coverage::nothing;
  bool operator==(const Choice&) const = default;
};

/// psys alone where it can be read; else every package with every memory zone. A package that
/// cannot be read leaves nothing: a sum without one socket looks like a frugal host. "core" and
/// "uncore" are parts of a package; the same package seen through memory-mapped registers
/// ("intel-rapl-mmio") is a second look at the first.
Choice choose_zones(std::span<const ZoneReading> zones);

/// Why an interval has no measured energy.
enum class Gap : std::uint8_t {
  none,
  first,    ///< there is nothing to compare with yet
  no_zone,  ///< nothing that can be read covers the host
  changed,  ///< a zone came, vanished or was closed to us
  reset,    ///< a counter went back further than a wrap explains
  too_long  ///< so long an interval that a counter may have wrapped unseen
};

constexpr std::string_view to_string(Gap gap) {
  switch (gap) {
    case Gap::none: return "none";
    case Gap::first: return "first";
    case Gap::no_zone: return "no_zone";
    case Gap::changed: return "changed";
    case Gap::reset: return "reset";
    case Gap::too_long: return "too_long";
  }
  std::abort();
}

struct Grown {
  std::optional<std::uint64_t> energy_uj;  ///< since the last reading
  Coverage coverage = Coverage::nothing;
  Gap gap = Gap::none;
  std::uint64_t wraps = 0;
  bool operator==(const Grown&) const = default;
};

/// Adds up the zones from reading to reading. One value a host.
class ZoneCounters {
 public:
  /// No zone draws more than `zone_w_max`: what tells a wrap from a reset.
  explicit ZoneCounters(double zone_w_max) : zone_w_max_(zone_w_max) {}

  /// `at` is monotonic time. What was read is the baseline of the next call whatever comes out.
  Grown read(std::chrono::microseconds at, std::span<const ZoneReading> zones);

 private:
  double zone_w_max_;
  bool begun_ = false;
  std::chrono::microseconds at_{};
  Coverage coverage_ = Coverage::nothing;
  std::map<std::string, std::uint64_t, std::less<>> last_uj_;  ///< by path; at most zones_max
};

}  // namespace lobo::energy::meter
