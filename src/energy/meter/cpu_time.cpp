#include "energy/meter/cpu_time.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/text.hpp"

namespace lobo::energy::meter {
namespace {

// proc(5): user nice system idle iowait irq softirq steal, then guest times, which are in user.
constexpr std::size_t ticks_known = 8;
constexpr std::size_t idle = 3, iowait = 4, steal = 7;
constexpr std::size_t ticks_least = 4;

std::optional<CpuTimes> read_line(std::string_view line) {
  std::array<std::uint64_t, ticks_known> ticks{};
  std::size_t count = 0;
  for (const auto word : split(line, ' ')) {
    if (word.empty() || count == ticks_known) continue;
    const auto number = parse_decimal(word);
    if (!number) return std::nullopt;
    ticks[count++] = *number;
  }
  if (count < ticks_least) return std::nullopt;
  CpuTimes times;
  for (const std::uint64_t tick : ticks) times.total += tick;
  times.busy = times.total - ticks[idle] - ticks[iowait] - ticks[steal];
  return times;
}

}  // namespace

std::optional<CpuTimes> parse_proc_stat(std::string_view text) {
  std::optional<CpuTimes> all;
  unsigned processors = 0;
  for (const auto line : split(text, '\n')) {
    if (line.starts_with("cpu ")) all = read_line(line.substr(4));
    if (line.starts_with("cpu") && line.size() > 3 && line[3] >= '0' && line[3] <= '9')
      ++processors;
  }
  if (all) all->processors = std::max(1U, processors);
  return all;
}

double utilisation(const CpuTimes& before, const CpuTimes& after) {
  if (after.total <= before.total || after.busy <= before.busy) return 0;
  const auto busy = static_cast<double>(after.busy - before.busy);
  return std::min(1.0, busy / static_cast<double>(after.total - before.total));
}

}  // namespace lobo::energy::meter
