#include "energy/steering/plan_table.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/require.hpp"
#include "energy/rendezvous.hpp"

namespace lobo::energy::steering {
namespace {

double sum_of(const std::vector<Share>& shares) {
  double sum = 0;
  for (const Share& share : shares) sum += share.weight;
  return sum;
}

}  // namespace

PlanTable::PlanTable(Said said) : said_(std::move(said)) {
  require(!said_.locations.empty() && !said_.groups.empty());
  for (std::size_t i = 0; i < said_.locations.size(); ++i) {
    said_.locations[i].hash = stable_hash(said_.locations[i].id);
    locations_.emplace(said_.locations[i].id, i);
  }
  for (std::size_t i = 0; i < said_.groups.size(); ++i) {
    require(said_.groups[i].shares.size() == said_.locations.size());
    groups_.emplace(said_.groups[i].id, i);
  }
  if (const auto found = groups_.find(said_.default_group); found != groups_.end())
    default_group_ = found->second;
}

const SteeredGroup& PlanTable::group(std::string_view id) const {
  const auto found = groups_.find(id);
  return said_.groups[found == groups_.end() ? default_group_ : found->second];
}

std::size_t PlanTable::location(std::string_view id) const {
  const auto found = locations_.find(id);
  return found == locations_.end() ? no_location : found->second;
}

std::vector<Share> PlanTable::open(const std::vector<double>& weights,
                                   const std::vector<bool>& there) const {
  std::vector<Share> shares;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!(weights[i] > 0)) continue;
    const auto& location = said_.locations[i];
    if (location.standing == Standing::serving ||
        (location.standing == Standing::unknown && i < there.size() && there[i]))
      shares.push_back({location.hash, weights[i], i});
  }
  return shares;
}

std::vector<Share> PlanTable::weights(const SteeredGroup& group, Instant now,
                                      const std::vector<bool>& there) const {
  auto after = open(group.shares, there);
  const auto since = now - said_.released_from;
  if (group.before.empty() || since >= said_.release) return after;
  const auto before = open(group.before, there);
  // Where nobody of the old plan can stay, there is nothing to hold back.
  const double before_sum = sum_of(before);
  const double after_sum = sum_of(after);
  if (!(before_sum > 0) || !(after_sum > 0)) return before_sum > 0 ? before : after;
  const double part = std::max(0.0, std::chrono::duration<double>(since).count() /
                                        std::chrono::duration<double>(said_.release).count());
  std::vector<Share> mixed;
  mixed.reserve(before.size() + after.size());
  auto old = before.begin();
  auto next = after.begin();
  while (old != before.end() || next != after.end()) {  // both in the order of the locations
    const std::size_t at = std::min(old == before.end() ? no_location : old->at,
                                    next == after.end() ? no_location : next->at);
    double weight = 0;
    if (old != before.end() && old->at == at) weight += old++->weight / before_sum * (1 - part);
    if (next != after.end() && next->at == at) weight += next++->weight / after_sum * part;
    if (weight > 0) mixed.push_back({said_.locations[at].hash, weight, at});
  }
  return mixed;
}

std::vector<Share> PlanTable::target(const SteeredGroup& group,
                                     const std::vector<bool>& there) const {
  return open(group.shares, there);
}

std::vector<Share> PlanTable::reserve(const SteeredGroup& group,
                                      const std::vector<bool>& there) const {
  return open(group.reserve, there);
}

std::vector<Share> PlanTable::failover(const SteeredGroup& group, std::size_t lost,
                                       const std::vector<bool>& there) const {
  if (lost >= group.failover.size() || group.failover[lost].empty()) return {};
  return open(group.failover[lost], there);
}

std::vector<std::string> PlanTable::warnings() const {
  std::vector<std::string> found;
  for (const auto& a : said_.locations)
    for (const auto& b : said_.locations) {
      if (&a == &b || !a.base || !b.base) continue;
      if (b.base->host.find(a.base->host) == std::string::npos) continue;
      if (a.base->host == b.base->host && a.id > b.id) continue;  // told once
      found.push_back("Shaka Player bans " + b.id + " (" + b.base->host + ") together with " +
                      a.id + " (" + a.base->host +
                      "): give locations host names that do not hold each "
                      "other");
    }
  return found;
}

}  // namespace lobo::energy::steering
