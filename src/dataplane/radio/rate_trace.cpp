#include "dataplane/radio/rate_trace.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/quantity.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "dataplane/elapsed.hpp"
#include "model/bit_rate.hpp"

namespace lobo::dataplane {
namespace {

using namespace std::chrono_literals;

constexpr Elapsed step_min = 1ms;
constexpr Elapsed step_max = 24h;
constexpr double ns_per_second = 1e9;

bool in_bounds(const RateTrace::Step& step) {
  const bool rate_holds =
      step.rate.count == 0 || (step.rate >= cell_rate_min && step.rate <= cell_rate_max);
  return rate_holds && step.lasts >= step_min && step.lasts <= step_max;
}

double bits_in(BitsPerSecond rate, Elapsed time) {
  return static_cast<double>(rate.count) * static_cast<double>(time.count()) / ns_per_second;
}

std::optional<RateTrace::Step> read_line(std::string_view line) {
  const auto space = line.find_first_of(" \t");
  if (space == std::string_view::npos) return std::nullopt;
  double seconds = 0;
  const auto [end, wrong] = std::from_chars(line.data(), line.data() + space, seconds);
  if (wrong != std::errc{} || end != line.data() + space) return std::nullopt;
  const double longest = std::chrono::duration<double>(step_max).count();
  if (!(seconds > 0 && seconds <= longest)) return std::nullopt;
  const auto rate = model::parse_bit_rate(trim(line.substr(space)));
  if (!rate) return std::nullopt;
  const RateTrace::Step step{Elapsed{std::llround(seconds * ns_per_second)}, *rate};
  return in_bounds(step) ? std::optional(step) : std::nullopt;
}

}  // namespace

RateTrace::RateTrace(std::vector<Step> steps) : steps_(std::move(steps)) {
  Elapsed end{};
  for (const Step& step : steps_) {
    ends_.push_back(end += step.lasts);
    period_bits_ += bits_in(step.rate, step.lasts);
  }
}

std::optional<RateTrace> RateTrace::of(std::vector<Step> steps) {
  if (steps.empty() || steps.size() > trace_steps_max) return std::nullopt;
  if (!std::ranges::all_of(steps, in_bounds)) return std::nullopt;
  if (std::ranges::none_of(steps, [](const Step& step) { return step.rate.count > 0; }))
    return std::nullopt;
  return RateTrace(std::move(steps));
}

RateTrace RateTrace::constant(BitsPerSecond rate) {
  require(rate >= cell_rate_min && rate <= cell_rate_max);
  return RateTrace({{step_max, rate}});
}

Result<RateTrace> RateTrace::parse(std::string_view text) {
  std::vector<Step> steps;
  std::size_t number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++number;
    line = trim(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    const auto step = read_line(line);
    if (!step)
      return fail(Errc::pattern, "line " + std::to_string(number) +
                                     " is no `seconds rate` such as `2.5 8 Mbps` (0.001 s to a "
                                     "day; 0 bps, or 1 Kbps to 1 Tbps)");
    if (steps.size() == trace_steps_max)
      return fail(Errc::too_large, "more than " + std::to_string(trace_steps_max) + " lines");
    steps.push_back(*step);
  }
  auto trace = of(std::move(steps));
  if (!trace) return fail(Errc::missing, "no line sends anything");
  return std::move(*trace);
}

std::size_t RateTrace::step_at(Elapsed time, Elapsed& ends) const {
  const Elapsed period = ends_.back();
  const Elapsed within = time % period;
  const auto at = std::ranges::upper_bound(ends_, within);
  ends = time - within + *at;
  return static_cast<std::size_t>(at - ends_.begin());
}

BitsPerSecond RateTrace::at(Elapsed time) const {
  Elapsed ends{};
  return steps_[step_at(time, ends)].rate;
}

Elapsed RateTrace::end_of(Elapsed start, std::uint32_t octets) const {
  double left = static_cast<double>(octets) * 8;
  const double whole_periods = std::floor(left / period_bits_);
  left -= whole_periods * period_bits_;
  Elapsed at = start + ends_.back() * static_cast<std::int64_t>(whole_periods);
  Elapsed ends{};
  std::size_t step = step_at(at, ends);
  // What is left is less than a period sends: each step is looked at once, the first one twice.
  for (std::size_t turn = 0; turn <= steps_.size(); ++turn) {
    const BitsPerSecond rate = steps_[step].rate;
    const double room = bits_in(rate, ends - at);
    if (rate.count > 0 && left <= room)
      return at + Elapsed{static_cast<std::int64_t>(
                      std::ceil(left * ns_per_second / static_cast<double>(rate.count)))};
    left -= room;
    at = ends;
    step = (step + 1) % steps_.size();
    ends = at + steps_[step].lasts;
  }
  return at;  // the rest of a rounding
}

}  // namespace lobo::dataplane
