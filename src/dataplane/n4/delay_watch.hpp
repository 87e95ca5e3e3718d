#pragma once
// The delay of one QoS flow that a control plane wants to know (SRR with QoS Monitoring Control, TS
// 29.244 clauses 5.24.4, 7.5.2.9; TS 23.501 clause 5.33.3). Which figure is told:
//   - by event: that of the packet that met the threshold, since a mean would hide it;
//   - by period, and at the session's release: the mean of what was measured since the last such
//     report, since one packet of many would say little.
// Milliseconds are rounded up: no delay is told shorter than it was, nor below its threshold.

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {

class DelayWatch {
 public:
  using Delays = decltype(WorkerEvent::delay_us);  ///< downlink, uplink, round trip

  DelayWatch(pfcp::SrrId srr, pfcp::Qfi qfi, const pfcp::QosMonitoringControl& control,
             Instant now);

  pfcp::SrrId srr() const { return srr_; }
  pfcp::Qfi qfi() const { return qfi_; }
  /// Whether it does the same as one made of these.
  bool is_for(pfcp::SrrId srr, pfcp::Qfi qfi, const pfcp::QosMonitoringControl& control) const;

  void add(const Delays& measured, Instant now);
  void look(Instant now);
  bool is_due() const { return crossed_.has_value() || period_over_; }
  std::optional<Instant> next_look() const { return period_end_; }

  /// Appends what is due; at the session's release what is measured is told where that is wanted.
  void report(bool release, Instant now, std::vector<pfcp::QosMonitoringReport>& out);

 private:
  struct Sum {
    std::uint64_t microseconds = 0;
    std::uint64_t count = 0;
  };
  bool asks(pfcp::Frequency frequency) const { return control_.frequency.has(frequency); }
  bool is_crossed(const Delays& measured) const;
  pfcp::QosMonitoringMeasurement mean() const;

  pfcp::SrrId srr_;
  pfcp::Qfi qfi_;
  pfcp::QosMonitoringControl control_;
  std::array<Sum, 3> sums_{};
  Instant start_;  ///< of the sums
  std::optional<Instant> period_end_;
  bool period_over_ = false;
  Instant quiet_until_;  ///< Minimum Wait Time
  std::optional<pfcp::QosMonitoringMeasurement> crossed_;
};

}  // namespace lobo::dataplane::n4
