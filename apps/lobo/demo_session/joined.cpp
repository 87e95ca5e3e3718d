#include "demo_session/joined.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

constexpr std::size_t names_max = 256;  ///< of assets and of events; what a room has is fewer

double number(const json::Value& object, std::string_view name) {
  const auto* found = object.find(name);
  return found ? static_cast<double>(found->integer().value_or(0)) : 0;
}

JoinedUe::Measured read(const json::Value::Array& flows, JoinedUe::Time now) {
  JoinedUe::Measured all{.at = now};
  double states = 0;
  for (const auto& flow : flows) {
    const double of_it = number(flow, "states");
    all.bits_a_second += number(flow, "bps");
    if (of_it <= states) continue;  // the figures are those of the busiest
    states = of_it;
    all.delay_p50_ms = number(flow, "delayUsP50") / 1000;
    all.delay_p99_ms = number(flow, "delayUsP99") / 1000;
    all.age_p50_ms = number(flow, "ageUsP50") / 1000;
    all.loss_percent = number(flow, "lossPpm") / 10'000;
  }
  return all;
}

}  // namespace

void JoinedUe::hear(std::string_view line, Time now) {
  if (!line.starts_with('{')) return;
  const auto told = json::parse(line);
  const auto* event = told ? told->find("event") : nullptr;
  if (!event || !event->text()) return;
  const std::string& name = *event->text();
  if (events_.contains(name) || events_.size() < names_max) ++events_[name];
  if (name == "tier") tier_ = static_cast<unsigned>(number(*told, "tier"));
  if (name == "stats") measure(*told, now);
  const auto* asset = told->find("asset");
  if (name != "state" || !asset || !asset->text() || number(*told, "component") != 0) return;
  if (!seen_.contains(*asset->text()) && seen_.size() >= names_max) return;
  auto& seen = seen_[*asset->text()];
  const auto sequence = static_cast<std::int64_t>(number(*told, "seq"));
  if (sequence <= seen.last) ++seen.steps_back;
  seen.last = sequence;
  ++seen.states;
  if (seen.at)
    seen.silence = std::max(seen.silence,
                            std::chrono::duration_cast<std::chrono::microseconds>(now - *seen.at));
  seen.at = now;
}

void JoinedUe::measure(const json::Value& told, Time now) {
  const auto* flows = told.find("flows");
  if (!flows || !flows->array() || flows->array()->empty()) return;
  auto next = read(*flows->array(), now);
  std::uint64_t states = 0;
  for (const auto& [asset, seen] : seen_) states += seen.states;
  const auto before = std::exchange(counted_, Counted{.at = now, .states = states});
  if (!before) return;  // figures of less than a second
  const std::chrono::duration<double> since = now - before->at;
  if (since.count() <= 0) return;
  next.states_a_second = static_cast<double>(states - before->states) / since.count();
  if (measures_.size() == measures_max) measures_.erase(measures_.begin());
  measures_.push_back(next);
}

std::size_t JoinedUe::count(std::string_view event) const {
  const auto found = events_.find(event);
  return found == events_.end() ? 0 : found->second;
}

const JoinedUe::Seen* JoinedUe::of(std::string_view asset) const {
  const auto found = seen_.find(asset);
  return found == seen_.end() ? nullptr : &found->second;
}

std::optional<JoinedUe::Measured> JoinedUe::typical_since(Time since) const {
  std::vector<Measured> those;
  std::ranges::copy_if(measures_, std::back_inserter(those),
                       [&](const Measured& one) { return one.at >= since; });
  if (those.empty()) return std::nullopt;
  const auto median = [&](double Measured::* figure) {
    const auto middle = those.begin() + static_cast<std::ptrdiff_t>(those.size() / 2);
    std::ranges::nth_element(those, middle, {}, figure);
    return (*middle).*figure;
  };
  return Measured{.at = since,
                  .delay_p50_ms = median(&Measured::delay_p50_ms),
                  .delay_p99_ms = median(&Measured::delay_p99_ms),
                  .age_p50_ms = median(&Measured::age_p50_ms),
                  .loss_percent = median(&Measured::loss_percent),
                  .states_a_second = median(&Measured::states_a_second),
                  .bits_a_second = median(&Measured::bits_a_second)};
}

void JoinedUe::silence_from() {
  for (auto& [asset, seen] : seen_) seen.silence = {};
}

}  // namespace lobo::app
