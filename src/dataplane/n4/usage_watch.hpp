#pragma once
// One URR of a session over time (TS 29.244 clause 5.2.2): what its meter counted since the last
// report, which of its triggers were met, and when to look again. The worker that counts tells of
// the next mark alone; what follows from it is decided here.
//
// Readings here are logical: without what passed while the measurement was inactive (INAM).

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "dataplane/rules/session.hpp"
#include "dataplane/rules/usage_meter.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {

class UsageWatch {
 public:
  UsageWatch(const Urr& urr, std::shared_ptr<UsageMeter> meter, Instant now);

  pfcp::UrrId id() const { return urr_.id; }
  const Urr& urr() const { return urr_; }

  /// The rule as it is from now on, and what of it was given: a quota that is given is a new one,
  /// with the same figure too, for what was not reported yet.
  void change(const Urr& urr, const pfcp::UpdateUrr& given, Instant now);

  /// Reads the meter, notes the triggers that are met and tells the meter where to call next.
  void look(Instant now);
  /// A trigger was met and not reported yet.
  bool is_due() const { return pending_.any() || start_pending_; }
  bool is_due_by_usage() const { return pending_.any(); }
  bool has_usage() const { return packets(reading_) > packets(base_); }
  std::optional<Instant> next_look() const;

  /// Appends the reports that are due, or where there is `also`, one for that reason as well; what
  /// was measured begins anew. The start of traffic has a report of its own, since that one tells
  /// no volume.
  void report(std::optional<pfcp::UsageReportTrigger> also, Instant now,
              std::vector<pfcp::UsageReport>& out);

 private:
  using Reading = UsageMeter::Reading;
  using Span = std::chrono::microseconds;

  static std::uint64_t packets(const Reading& r) { return r.uplink_packets + r.downlink_packets; }
  bool asks(pfcp::MeasurementDetail detail) const;
  bool asks(pfcp::ReportingTrigger trigger) const { return urr_.triggers.has(trigger); }
  bool is_active() const { return !paused_; }
  bool measures_time() const { return urr_.method.has(pfcp::Measurement::duration); }

  Reading logical() const;
  void pause_or_resume(Instant now);
  void run_clock(Instant now);
  void stop_clock(Instant at);
  void note_volume();
  void note_time(Instant now);
  void arm();
  void restart_period(Instant now);
  Span ran(Instant now) const;
  Instant reaches(Span ran) const { return *running_since_ + (ran - ran_); }
  bool waits_for_packet() const;
  pfcp::UsageReport numbered(const pfcp::UsageReportTriggers& triggers);

  Urr urr_;
  std::shared_ptr<UsageMeter> meter_;
  Reading reading_;  ///< as last looked at
  Reading base_;     ///< at the last report
  Instant start_;    ///< of what is measured
  Reading skipped_;  ///< what passed while inactive
  std::optional<Reading> paused_;

  Span ran_{};  ///< of the clock that measures time, up to running_since_
  Span ran_base_{};
  std::optional<Instant> running_since_;
  Instant stopped_at_;
  std::uint64_t stopped_packets_ = 0;

  Reading volume_quota_base_;
  Span time_quota_base_{};
  bool volume_quota_told_ = false;
  bool time_quota_told_ = false;

  std::optional<Instant> next_period_;
  bool start_seen_ = false;
  bool start_pending_ = false;
  pfcp::UsageReportTriggers pending_;
  std::optional<std::uint16_t> reports_left_;
  std::uint32_t next_number_ = 0;  ///< UR-SEQN, clause 8.2.71
  VolumeMark told_at_;
  VolumeMark closes_at_;
  bool closed_ = false;
};

}  // namespace lobo::dataplane::n4
