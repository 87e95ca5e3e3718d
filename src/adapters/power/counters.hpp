#pragma once
// Energy counters and processor times as the kernel shows them. The root folder is an argument, so
// that a tree of files can stand for a machine that one does not have.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lobo::adapters::power {

inline constexpr std::size_t zones_read_max = 64;
inline constexpr std::size_t proc_stat_bytes_max = std::size_t{1} << 20U;

/// One folder of /sys/class/powercap: what its files say.
struct ZoneFile {
  std::string path;  ///< "intel-rapl:0:1"
  std::string name;
  std::uint64_t energy_uj = 0;
  std::uint64_t range_uj = 0;
  bool denied = false;      ///< energy_uj is there, and we may not read it
  bool unreadable = false;  ///< it holds no number, or cannot be read for another reason
  bool operator==(const ZoneFile&) const = default;
};

/// All RAPL zones below `sys_root`/class/powercap, by path; empty where there are none.
std::vector<ZoneFile> read_zones(const std::string& sys_root);

/// The text of `proc_root`/stat; nothing where it cannot be read.
std::optional<std::string> read_proc_stat(const std::string& proc_root);

}  // namespace lobo::adapters::power
