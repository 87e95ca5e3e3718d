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
  for (auto& location : said_.locations) location.hash = stable_hash(location.id);
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

std::vector<Share> PlanTable::open(const std::vector<double>& weights,
                                   const std::vector<bool>& there) const {
  std::vector<Share> shares;
  shares.reserve(said_.locations.size());
  for (std::size_t i = 0; i < said_.locations.size(); ++i) {
    const auto& location = said_.locations[i];
    const bool is_open = location.standing == Standing::serving ||
                         (location.standing == Standing::unknown && i < there.size() && there[i]);
    shares.push_back({location.hash, is_open && i < weights.size() ? weights[i] : 0});
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
  for (std::size_t i = 0; i < after.size(); ++i)
    after[i].weight =
        before[i].weight / before_sum * (1 - part) + after[i].weight / after_sum * part;
  return after;
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
