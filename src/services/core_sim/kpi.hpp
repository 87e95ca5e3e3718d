#pragma once
// Energy and performance of the simulated cells as an OAM exposes them: measurements of TS 28.552
// and the data energy efficiency of TS 28.554 clause 6.7.1, in files that are listed, announced and
// fetched (TS 28.532, file data reporting). Watts come from the configured model, octets from gNBs
// alone.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/oam_files.hpp"
#include "base/clock.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/kpi_meter.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/timers.hpp"

namespace lobo::core_sim {

inline constexpr std::size_t file_subscriptions_max = 16;

class Kpis {
 public:
  explicit Kpis(Network& network)
      : net_(network), meter_(network.config.cells, network.config.granularity_period) {}

  static bool serves(std::string_view operation);
  Answer handle(const Call& call);

  /// To be called before anything changes: what is true now has been since the last call. Announces
  /// the files that became ready.
  void advance(Instant now);
  std::optional<Instant> next_due() const { return meter_.next_due(); }
  std::size_t subscriptions() const { return subscriptions_.size(); }

 private:
  struct Subscription {
    Number number{};  ///< of its callbacks
    std::string consumer;
  };

  Answer list(const Call& call) const;
  Answer read(std::string_view name) const;
  Answer subscribe(const Call& call);
  Answer unsubscribe(const Call& call);
  Answer view(const Call& call) const;
  std::string text_of(const KpiPeriod& period) const;
  api::oam_files::FileInfo info_of(const KpiPeriod& period) const;
  void announce(const KpiPeriod& period, Instant now);

  Network& net_;
  KpiMeter meter_;
  std::map<std::string, Subscription, std::less<>> subscriptions_;
  std::int64_t notifications_ = 0;
};

}  // namespace lobo::core_sim
