#include "adapters/power/counters.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/text.hpp"

namespace lobo::adapters::power {
namespace {

constexpr std::size_t attribute_bytes_max = 4096;  // sysfs(5): one page

struct Content {
  std::optional<std::string> text;
  int error = 0;
};

Content read_file(const std::string& path, std::size_t bytes_max) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {std::nullopt, errno};
  std::string text(bytes_max, '\0');
  std::size_t size = 0;
  while (size < bytes_max) {
    const ssize_t got = ::read(fd, text.data() + size, bytes_max - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = errno;
      ::close(fd);
      return {std::nullopt, error};
    }
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  ::close(fd);
  text.resize(size);
  return {std::move(text), 0};
}

std::optional<std::uint64_t> number_in(const Content& content) {
  return content.text ? parse_decimal(trim(*content.text)) : std::nullopt;
}

}  // namespace

std::vector<ZoneFile> read_zones(const std::string& sys_root) {
  const auto folder = std::filesystem::path(sys_root) / "class" / "powercap";
  std::vector<std::string> names;
  std::error_code wrong;
  for (std::filesystem::directory_iterator at(folder, wrong), end; !wrong && at != end;
       at.increment(wrong)) {
    auto name = at->path().filename().string();
    // A control type ("intel-rapl") has no counter; a zone has a number.
    if (name.find("-rapl") != std::string::npos && name.find(':') != std::string::npos)
      names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  if (names.size() > zones_read_max) names.resize(zones_read_max);
  std::vector<ZoneFile> zones;
  for (auto& name : names) {
    const auto zone = folder / name;
    const auto label = read_file((zone / "name").string(), attribute_bytes_max);
    if (!label.text) continue;  // gone since the folder was listed
    const auto energy = read_file((zone / "energy_uj").string(), attribute_bytes_max);
    const auto range =
        number_in(read_file((zone / "max_energy_range_uj").string(), attribute_bytes_max));
    const auto counted = number_in(energy);
    zones.push_back({.path = std::move(name),
                     .name = std::string(trim(*label.text)),
                     .energy_uj = counted.value_or(0),
                     .range_uj = range.value_or(0),
                     .denied = energy.error == EACCES || energy.error == EPERM,
                     .unreadable = !counted || !range});
  }
  return zones;
}

std::optional<std::string> read_proc_stat(const std::string& proc_root) {
  return read_file((std::filesystem::path(proc_root) / "stat").string(), proc_stat_bytes_max).text;
}

}  // namespace lobo::adapters::power
