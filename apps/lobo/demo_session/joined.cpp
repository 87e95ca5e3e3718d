#include "demo_session/joined.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <ratio>
#include <string_view>
#include <vector>

#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

constexpr std::size_t names_max = 256;  ///< of assets and of events; what a room has is fewer

std::optional<std::int64_t> number(const json::Value& object, std::string_view name) {
  const auto* found = object.find(name);
  return found ? found->integer() : std::nullopt;
}

/// `share` 0.5: the median. Of at least one.
double quantile(std::vector<double> values, double share) {
  const auto at = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
  const auto where = values.begin() + static_cast<std::ptrdiff_t>(at);
  std::ranges::nth_element(values, where);
  return *where;
}

}  // namespace

void JoinedUe::hear(std::string_view line, Time now) {
  if (!line.starts_with('{')) return;
  const auto told = json::parse(line);
  const auto* event = told ? told->find("event") : nullptr;
  if (!event || !event->text()) return;
  const auto& name = *event->text();
  if (events_.contains(name) || events_.size() < names_max) ++events_[name];
  if (name == "tier") tier_ = static_cast<unsigned>(number(*told, "tier").value_or(0));
  const auto* asset = told->find("asset");
  const auto sequence = number(*told, "seq");
  if (name != "state" || !asset || !asset->text() || !sequence || number(*told, "component") != 0)
    return;
  if (!seen_.contains(*asset->text()) && seen_.size() >= names_max) return;
  auto& seen = seen_[*asset->text()];
  if (*sequence <= seen.last) ++seen.steps_back;
  seen.last = *sequence;
  ++seen.states;
  if (seen.at)
    seen.silence = std::max(seen.silence,
                            std::chrono::duration_cast<std::chrono::microseconds>(now - *seen.at));
  seen.at = now;
  if (const auto age = number(*told, "ageUs")) {
    if (arrivals_.size() == arrivals_max) arrivals_.pop_front();
    arrivals_.push_back({.at = now, .age = std::chrono::microseconds(*age)});
  }
}

std::size_t JoinedUe::count(std::string_view event) const {
  const auto found = events_.find(event);
  return found == events_.end() ? 0 : found->second;
}

const JoinedUe::Seen* JoinedUe::of(std::string_view asset) const {
  const auto found = seen_.find(asset);
  return found == seen_.end() ? nullptr : &found->second;
}

std::optional<JoinedUe::Measured> JoinedUe::typical(Time from, Time to) const {
  std::map<std::chrono::seconds, std::vector<double>> by_second;
  std::vector<double> all;
  Time first{}, last{};
  for (const auto& [at, age] : arrivals_) {
    if (at < from || at >= to) continue;
    if (all.empty()) first = at;
    last = at;
    all.push_back(std::chrono::duration<double, std::milli>(age).count());
    by_second[std::chrono::floor<std::chrono::seconds>(at - from)].push_back(all.back());
  }
  if (all.empty()) return std::nullopt;
  std::vector<double> medians;
  for (const auto& [second, ages] : by_second) medians.push_back(quantile(ages, 0.5));
  const std::chrono::duration<double> span = last - first;
  return Measured{
      .delay_p50_ms = quantile(medians, 0.5),
      .delay_p99_ms = quantile(all, 0.99),
      .states_a_second = last > first ? static_cast<double>(all.size() - 1) / span.count() : 0};
}

void JoinedUe::silence_from() {
  for (auto& [asset, seen] : seen_) seen.silence = {};
}

}  // namespace lobo::app
