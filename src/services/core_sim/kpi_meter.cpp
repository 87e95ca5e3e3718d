#include "services/core_sim/kpi_meter.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "services/core_sim/config.hpp"

namespace lobo::core_sim {
namespace {

constexpr double bits_per_octet = 8;

double watts_at(const PowerModel& model, double share) {
  return model.idle_w + (model.max_w - model.idle_w) * std::clamp(share, 0.0, 1.0);
}

Instant begin_of_period(Instant at, std::chrono::seconds granularity) {
  const auto since = at.time_since_epoch();
  return Instant{since - since % granularity};
}

}  // namespace

std::optional<double> CellKpis::efficiency() const {
  if (!octets_dl || !power || !(power->joules > 0)) return std::nullopt;
  return static_cast<double>(*octets_dl) * bits_per_octet / power->joules;
}

std::optional<double> KpiPeriod::efficiency() const {
  double bits = 0;
  double joules = 0;
  for (const auto& cell : cells) {
    if (!cell.efficiency()) continue;
    bits += static_cast<double>(*cell.octets_dl) * bits_per_octet;
    joules += cell.power->joules;
  }
  return joules > 0 ? std::optional(bits / joules) : std::nullopt;
}

KpiMeter::KpiMeter(const std::vector<CellConfig>& cells, std::chrono::seconds granularity)
    : granularity_(granularity) {
  for (const auto& cell : cells) {
    cells_.emplace_back().model = cell.power;
    enabled_ = enabled_ || cell.power.has_value();
  }
}

std::optional<Instant> KpiMeter::next_due() const {
  if (!enabled_) return std::nullopt;
  return until_ ? boundary_ : Instant{};
}

void KpiMeter::begin(Instant from, bool suspect) {
  until_ = from_ = from;
  suspect_ = suspect;
  boundary_ = begin_of_period(from, granularity_) + granularity_;
  for (auto& cell : cells_) {
    cell.joules = 0;
    cell.min_w = cell.max_w = cell.model ? watts_at(*cell.model, cell.now.share) : 0;
    cell.at_begin = cell.now;
  }
}

void KpiMeter::integrate(Instant to) {
  const double seconds = std::chrono::duration<double>(to - *until_).count();
  if (!(seconds > 0)) return;
  for (auto& cell : cells_) {
    if (!cell.model) continue;
    const double watts = watts_at(*cell.model, cell.now.share);
    const bool first = *until_ == from_;  // what held for no time is no extreme
    cell.min_w = first ? watts : std::min(cell.min_w, watts);
    cell.max_w = first ? watts : std::max(cell.max_w, watts);
    cell.joules += watts * seconds;
  }
  until_ = to;
}

void KpiMeter::close() {
  KpiPeriod period{
      .begin = boundary_ - granularity_, .end = boundary_, .suspect = suspect_, .cells = {}};
  const double seconds = std::chrono::duration<double>(boundary_ - from_).count();
  for (const auto& cell : cells_) {
    auto& out = period.cells.emplace_back();
    if (cell.model)
      out.power = CellKpis::Power{cell.joules / seconds, cell.min_w, cell.max_w, cell.joules};
    if (cell.now.ran_reports != cell.at_begin.ran_reports)
      out.octets_dl = cell.now.octets_dl - cell.at_begin.octets_dl;
  }
  periods_.push_back(std::move(period));
  if (periods_.size() > kpi_periods_max) periods_.pop_front();
}

std::size_t KpiMeter::advance(Instant now, const std::vector<CellLoad>& loads) {
  if (!enabled_) return 0;
  for (std::size_t i = 0; i < cells_.size(); ++i) cells_[i].now = loads[i];
  const auto kept = static_cast<std::int64_t>(kpi_periods_max) * granularity_;
  if (!until_ || now < *until_ || now - *until_ > kept) {
    begin(now, begin_of_period(now, granularity_) != now);
    return 0;
  }
  std::size_t ended = 0;
  for (; now >= boundary_; ++ended) {
    integrate(boundary_);
    close();
    begin(boundary_, false);
  }
  integrate(now);
  return ended;
}

}  // namespace lobo::core_sim
