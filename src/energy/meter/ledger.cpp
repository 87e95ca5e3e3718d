#include "energy/meter/ledger.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/require.hpp"
#include "energy/meter/access_log.hpp"
#include "energy/meter/attribution.hpp"
#include "energy/meter/host_meter.hpp"
#include "energy/meter/power_model.hpp"
#include "energy/problem.hpp"

namespace lobo::energy::meter {

Ledger::Ledger(std::vector<double> reserved_shares)
    : reserved_shares_(std::move(reserved_shares)),
      of_(reserved_shares_.size()),
      flows_(reserved_shares_.size()) {}

void Ledger::tell_apart(const std::vector<std::vector<std::string>>& names) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < flows_.size(); ++i) {
    FlowTotals kept;
    if (i < names.size())
      for (const auto& name : names[i]) {
        if (count == flows_of_host_max) break;
        const auto known = flows_[i].find(name);
        const auto totals = known == flows_[i].end() ? LocationTotals{} : known->second;
        if (kept.emplace(name, totals).second) ++count;
      }
    flows_[i] = std::move(kept);
  }
}

Traffic Ledger::traffic() const {
  Traffic out;
  out.of.resize(of_.size());
  for (const auto& flows : flows_) {
    auto& uses = out.flows.emplace_back();
    for (const auto& flow : flows) uses.emplace(flow.first, Use{});
  }
  return out;
}

void Ledger::add(const HostEnergy& host, const Traffic& traffic) {
  require(traffic.of.size() == of_.size());
  std::vector<Tenant> tenants;
  for (std::size_t i = 0; i < of_.size(); ++i)
    tenants.push_back({reserved_shares_[i], traffic.of[i].bytes_tx});
  const auto parts = attribute(host.idle_j, host.dynamic_j, tenants, traffic.other.bytes_tx);
  const auto book = [this](LocationTotals& totals, const Part& part, const Use& use) {
    totals.energy.idle_j += part.idle_j;
    totals.energy.dynamic_j += part.dynamic_j;
    totals.use += use;
    bytes_ += use.bytes_tx;
  };
  for (std::size_t i = 0; i < of_.size(); ++i) book(of_[i], parts.of[i], traffic.of[i]);
  // A flow has that part of its location's energy, idle or not, that it has of its octets.
  for (std::size_t i = 0; i < std::min(traffic.flows.size(), flows_.size()); ++i)
    for (const auto& [name, use] : traffic.flows[i]) {
      const auto flow = flows_[i].find(name);
      if (flow == flows_[i].end()) continue;
      flow->second.use += use;
      if (use.bytes_tx == 0) continue;
      const double share =
          static_cast<double>(use.bytes_tx) / static_cast<double>(traffic.of[i].bytes_tx);
      flow->second.energy.idle_j += parts.of[i].idle_j * share;
      flow->second.energy.dynamic_j += parts.of[i].dynamic_j * share;
    }
  book(other_, parts.other, traffic.other);

  energy_j_ += host.energy_j;
  seconds_ += host.seconds;
  interval_j_ += host.energy_j;
  idle_j_ += host.idle_j;
  busy_seconds_ += host.utilisation * host.seconds;
  uncertain_j_ += host.rel_uncertainty * host.energy_j;
  weakest_ = std::max(weakest_, host.method);  // the enumerators stand from the best to the worst
}

std::optional<Report> Ledger::take(Instant now, Reason reason, LocationState state) {
  if (!(seconds_ > 0)) return std::nullopt;
  const auto length =
      std::chrono::ceil<std::chrono::microseconds>(std::chrono::duration<double>(seconds_));
  Report report{.sequence = ++sequence_,
                .reason = reason,
                .start = now - length,
                .end = now,
                .state = state,
                .energy_j = energy_j_,
                .power_w = interval_j_ / seconds_,
                .idle_w = idle_j_ / seconds_,
                .utilisation = std::clamp(busy_seconds_ / seconds_, 0.0, 1.0),
                .tx_mbps = static_cast<double>(bytes_) * 8e-6 / seconds_,
                .method = weakest_,
                .rel_uncertainty = interval_j_ > 0 ? uncertain_j_ / interval_j_ : 0,
                .of = of_,
                .other = other_,
                .flows = flows_,
                .requests_active = {},
                .revision = {},
                .validity_s = {}};
  seconds_ = interval_j_ = idle_j_ = busy_seconds_ = uncertain_j_ = 0;
  bytes_ = 0;
  weakest_ = Method::measured_rapl;
  return report;
}

void Outbox::push(Report report) {
  if (waiting_.size() == reports_kept_max) {
    waiting_.pop_front();
    ++given_up_;
  }
  waiting_.push_back({std::move(report)});
}

std::vector<Report> Outbox::batch() const {
  std::vector<Report> reports;
  for (const auto& one : waiting_) {
    if (reports.size() == reports_at_once_max) break;
    reports.push_back(one.report);
  }
  return reports;
}

void Outbox::taken(std::size_t count) {
  count = std::min(count, waiting_.size());
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
}

void Outbox::failed(std::size_t count) {
  count = std::min(count, waiting_.size());
  for (std::size_t i = 0; i < count; ++i) ++waiting_[i].attempts;
  while (!waiting_.empty() && waiting_.front().attempts >= attempts_max) {
    waiting_.pop_front();
    ++given_up_;
  }
}

}  // namespace lobo::energy::meter
