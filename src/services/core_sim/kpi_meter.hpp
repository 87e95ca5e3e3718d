#pragma once
// Energy and performance of cells over granularity periods: power by a model, integrated exactly
// over what the cells promised meanwhile; volume as gNBs counted it. What was not measured is
// absent, never zero: a period before the network began is not there, and one that it did not see
// whole is suspect.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "services/core_sim/config.hpp"

namespace lobo::core_sim {

/// Granularity periods that are kept: a day of quarters of an hour.
inline constexpr std::size_t kpi_periods_max = 96;

/// Of one cell, at one moment.
struct CellLoad {
  double share = 0;             ///< of its downlink that is promised; more than 1 where overbooked
  std::uint64_t octets_dl = 0;  ///< delivered by gNBs since the network began
  std::uint64_t ran_reports = 0;  ///< how often a gNB told of them
};

/// Of one cell in one period; power is absent where the cell has no model, octets where no gNB
/// told.
struct CellKpis {
  struct Power {
    double avg_w = 0, min_w = 0, max_w = 0;
    double joules = 0;
  };
  std::optional<Power> power;
  std::optional<std::uint64_t> octets_dl;

  /// Data energy efficiency (TS 28.554 clause 6.7.1), bit/J.
  std::optional<double> efficiency() const;
};

struct KpiPeriod {
  Instant begin{};
  Instant end{};
  bool suspect = false;
  std::vector<CellKpis> cells;  ///< in the order of the configuration

  /// Of all cells that have both octets and energy.
  std::optional<double> efficiency() const;
};

class KpiMeter {
 public:
  /// Measures nothing, and is never due, where no cell has a power model.
  KpiMeter(const std::vector<CellConfig>& cells, std::chrono::seconds granularity);

  bool enabled() const { return enabled_; }
  /// `loads` are as they have been since the last call: to be called before anything changes. A
  /// clock that steps back, or ahead by more than all that is kept, begins anew. Returns how many
  /// periods ended.
  std::size_t advance(Instant now, const std::vector<CellLoad>& loads);
  /// When the period ends; at once, before the first call.
  std::optional<Instant> next_due() const;
  const std::deque<KpiPeriod>& periods() const { return periods_; }

 private:
  struct Cell {
    std::optional<PowerModel> model;
    double joules = 0;
    double min_w = 0, max_w = 0;
    CellLoad now, at_begin;
  };
  void begin(Instant from, bool suspect);
  void integrate(Instant to);
  void close();

  std::chrono::seconds granularity_;
  bool enabled_ = false;
  std::vector<Cell> cells_;
  std::optional<Instant> until_;  ///< accounted for up to here
  Instant from_{};                ///< where measuring of the open period began
  Instant boundary_{};            ///< where it ends
  bool suspect_ = true;
  std::deque<KpiPeriod> periods_;
};

}  // namespace lobo::core_sim
