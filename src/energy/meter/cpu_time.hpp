#pragma once
// Utilisation of the processors, from what /proc/stat says of them.

#include <cstdint>
#include <optional>
#include <string_view>

namespace lobo::energy::meter {

struct CpuTimes {
  std::uint64_t busy = 0;   ///< ticks; time stolen by other guests is not ours
  std::uint64_t total = 0;  ///< ticks
  unsigned processors = 0;
  bool operator==(const CpuTimes&) const = default;
};

/// The text of /proc/stat; nothing where it holds no line of all processors.
std::optional<CpuTimes> parse_proc_stat(std::string_view text);

/// 0 to 1. The kernel's idle counts may go back by a tick; that is no utilisation.
double utilisation(const CpuTimes& before, const CpuTimes& after);

}  // namespace lobo::energy::meter
