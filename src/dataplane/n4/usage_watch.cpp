#include "dataplane/n4/usage_watch.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "dataplane/rules/session.hpp"
#include "dataplane/rules/usage_meter.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {
namespace {

using pfcp::MeasurementDetail;
using pfcp::ReportingTrigger;
using pfcp::UsageReportTrigger;
using Reading = UsageMeter::Reading;

Instant instant_of(std::uint64_t since_1970_ns) {
  return Instant(std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::nanoseconds(static_cast<std::int64_t>(since_1970_ns))));
}
pfcp::NtpSeconds ntp(Instant at) {
  return pfcp::NtpSeconds::at(std::chrono::floor<std::chrono::seconds>(at));
}

// The counters alone; the times stay those of `whole`.
Reading less(Reading whole, const Reading& part) {
  whole.uplink_octets -= part.uplink_octets;
  whole.downlink_octets -= part.downlink_octets;
  whole.uplink_packets -= part.uplink_packets;
  whole.downlink_packets -= part.downlink_packets;
  return whole;
}
std::uint64_t total(const Reading& reading) {
  return reading.uplink_octets + reading.downlink_octets;
}

bool is_reached(const pfcp::Volume& limit, const Reading& used) {
  return (limit.total && total(used) >= limit.total->count) ||
         (limit.uplink && used.uplink_octets >= limit.uplink->count) ||
         (limit.downlink && used.downlink_octets >= limit.downlink->count);
}

std::uint64_t sum(std::uint64_t a, std::uint64_t b) {
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  return a > most - b ? most : a + b;
}
// Brings the mark down to where `limit` is reached, counted from `base`.
void lower(VolumeMark& mark, const pfcp::Volume& limit, const Reading& base) {
  if (limit.total) mark.total = std::min(mark.total, sum(total(base), limit.total->count));
  if (limit.uplink)
    mark.uplink = std::min(mark.uplink, sum(base.uplink_octets, limit.uplink->count));
  if (limit.downlink)
    mark.downlink = std::min(mark.downlink, sum(base.downlink_octets, limit.downlink->count));
}
// From what is logical to what the meter counts.
VolumeMark with(const VolumeMark& mark, const Reading& skipped) {
  return {sum(mark.total, total(skipped)), sum(mark.uplink, skipped.uplink_octets),
          sum(mark.downlink, skipped.downlink_octets)};
}

}  // namespace

UsageWatch::UsageWatch(const Urr& urr, std::shared_ptr<UsageMeter> meter, Instant now)
    : urr_(urr), meter_(std::move(meter)), start_(now), stopped_at_(now) {
  // A URR that was removed and created anew by one request has the meter of the one before.
  skipped_ = meter_->read();
  meter_->tell_at(told_at_);
  meter_->close_at(closes_at_);
  meter_->close(closed_);
  if (urr.number_of_reports) reports_left_ = urr.number_of_reports->value;
  restart_period(now);
  pause_or_resume(now);
  if (is_active() && measures_time() && asks(MeasurementDetail::immediate_start))
    running_since_ = now;
  look(now);
}

bool UsageWatch::asks(MeasurementDetail detail) const {
  return urr_.information && urr_.information->has(detail);
}

void UsageWatch::restart_period(Instant now) {
  next_period_.reset();
  if (asks(ReportingTrigger::periodic) && urr_.period) next_period_ = now + *urr_.period;
}

UsageWatch::Reading UsageWatch::logical() const {
  return paused_ ? *paused_ : less(meter_->read(), skipped_);
}

void UsageWatch::pause_or_resume(Instant now) {
  const bool wanted = asks(MeasurementDetail::inactive);
  if (wanted == paused_.has_value()) return;
  if (wanted) {
    stop_clock(now);
    paused_ = reading_;
    return;
  }
  skipped_ = less(meter_->read(), *paused_);
  paused_.reset();
  stopped_at_ = now;
}

void UsageWatch::change(const Urr& urr, const pfcp::UpdateUrr& given, Instant now) {
  look(now);
  urr_ = urr;
  if (given.volume_quota) {
    volume_quota_base_ = base_;
    volume_quota_told_ = false;
  }
  if (given.time_quota) {
    time_quota_base_ = ran_base_;
    time_quota_told_ = false;
  }
  if (given.number_of_reports) reports_left_ = given.number_of_reports->value;
  if (given.period || given.triggers) restart_period(now);
  pause_or_resume(now);
  if (!measures_time()) stop_clock(now);
  look(now);
}

UsageWatch::Span UsageWatch::ran(Instant now) const {
  return running_since_ ? ran_ + std::max(now - *running_since_, Span{}) : ran_;
}

void UsageWatch::stop_clock(Instant at) {
  ran_ = ran(at);
  running_since_.reset();
  stopped_at_ = at;
  stopped_packets_ = packets(reading_);
}

// Clause 5.2.2.2.1: time is measured from the first packet on (at once with ISTM), and with an
// Inactivity Detection Time until that long after a packet that none followed.
void UsageWatch::run_clock(Instant now) {
  if (!measures_time() || !is_active()) return;
  const Instant last = instant_of(reading_.last_packet_ns);
  if (!running_since_) {
    if (packets(reading_) <= stopped_packets_) return;
    // Which packet it was is known of the very first one; else look() comes soon after it.
    const bool is_first = stopped_packets_ == 0 && packets(skipped_) == 0;
    const auto first = is_first ? reading_.first_packet_ns : reading_.last_packet_ns;
    running_since_ = std::clamp(instant_of(first), std::min(stopped_at_, now), now);
  }
  const auto& pause = urr_.inactivity_detection_time;
  if (!pause || pause->count() == 0) return;
  const Instant end = std::max(last, *running_since_) + *pause;
  if (now >= end) stop_clock(end);
}

void UsageWatch::note_volume() {
  if (!start_seen_ && packets(reading_) > 0) {
    start_seen_ = true;
    start_pending_ = asks(ReportingTrigger::start_of_traffic);
  }
  if (!urr_.method.has(pfcp::Measurement::volume)) return;
  if (asks(ReportingTrigger::volume_threshold) && urr_.volume_threshold &&
      is_reached(*urr_.volume_threshold, less(reading_, base_)))
    pending_.set(UsageReportTrigger::volume_threshold);
  if (urr_.volume_quota && !volume_quota_told_ &&
      is_reached(*urr_.volume_quota, less(reading_, volume_quota_base_))) {
    volume_quota_told_ = true;
    if (asks(ReportingTrigger::volume_quota)) pending_.set(UsageReportTrigger::volume_quota);
  }
}

void UsageWatch::note_time(Instant now) {
  if (next_period_ && now >= *next_period_) {
    pending_.set(UsageReportTrigger::periodic);
    // What was missed is one report, not many.
    const Span period = *urr_.period;
    *next_period_ += ((now - *next_period_) / period + 1) * period;
  }
  if (!measures_time()) return;
  if (asks(ReportingTrigger::time_threshold) && urr_.time_threshold &&
      ran(now) - ran_base_ >= *urr_.time_threshold)
    pending_.set(UsageReportTrigger::time_threshold);
  if (urr_.time_quota && !time_quota_told_ && ran(now) - time_quota_base_ >= *urr_.time_quota) {
    time_quota_told_ = true;
    if (asks(ReportingTrigger::time_quota)) pending_.set(UsageReportTrigger::time_quota);
  }
}

bool UsageWatch::waits_for_packet() const {
  return (!start_seen_ && asks(ReportingTrigger::start_of_traffic)) ||
         (measures_time() && !running_since_);
}

// A mark that is met already would be told of at each packet: what is pending or was told of is
// left out. The meter is written to only where something changes.
void UsageWatch::arm() {
  VolumeMark tell;
  VolumeMark close;
  if (is_active()) {
    const bool volume = urr_.method.has(pfcp::Measurement::volume);
    if (volume && asks(ReportingTrigger::volume_threshold) && urr_.volume_threshold &&
        !pending_.has(UsageReportTrigger::volume_threshold))
      lower(tell, *urr_.volume_threshold, base_);
    if (volume && urr_.volume_quota) {
      lower(close, *urr_.volume_quota, volume_quota_base_);
      if (!volume_quota_told_) lower(tell, *urr_.volume_quota, volume_quota_base_);
    }
    if (waits_for_packet()) tell.total = std::min(tell.total, sum(total(reading_), 1));
  }
  if (reports_left_ == 0) tell = {};
  if (tell = with(tell, skipped_); tell != told_at_) meter_->tell_at(told_at_ = tell);
  if (close = with(close, skipped_); close != closes_at_) meter_->close_at(closes_at_ = close);
  const bool closed = is_active() && urr_.time_quota && time_quota_told_;
  if (closed != closed_) meter_->close(closed_ = closed);
}

void UsageWatch::look(Instant now) {
  reading_ = logical();
  run_clock(now);
  if (is_active()) {
    note_volume();
    note_time(now);
  }
  if (reports_left_ == 0) {
    pending_ = {};
    start_pending_ = false;
  }
  arm();
}

std::optional<Instant> UsageWatch::next_look() const {
  if (!is_active() || reports_left_ == 0) return std::nullopt;
  std::optional<Instant> next = next_period_;
  const auto sooner = [&next](Instant at) { next = next ? std::min(*next, at) : at; };
  if (!running_since_) return next;
  if (asks(ReportingTrigger::time_threshold) && urr_.time_threshold &&
      !pending_.has(UsageReportTrigger::time_threshold))
    sooner(reaches(ran_base_ + *urr_.time_threshold));
  if (urr_.time_quota && !time_quota_told_) sooner(reaches(time_quota_base_ + *urr_.time_quota));
  const auto& pause = urr_.inactivity_detection_time;
  if (pause && pause->count() != 0)
    sooner(std::max(instant_of(reading_.last_packet_ns), *running_since_) + *pause);
  return next;
}

pfcp::UsageReport UsageWatch::numbered(const pfcp::UsageReportTriggers& triggers) {
  if (reports_left_ && *reports_left_ > 0) --*reports_left_;
  return {.urr = urr_.id, .sequence_number = {next_number_++}, .triggers = triggers};
}

void UsageWatch::report(std::optional<UsageReportTrigger> also, Instant now,
                        std::vector<pfcp::UsageReport>& out) {
  look(now);
  if (std::exchange(start_pending_, false))
    out.push_back(numbered({UsageReportTrigger::start_of_traffic}));
  auto triggers = std::exchange(pending_, {});
  if (also) triggers.set(*also);
  if (!triggers.any()) return arm();
  pfcp::UsageReport told = numbered(triggers);
  told.start_time = ntp(start_);
  told.end_time = ntp(now);
  const Reading used = less(reading_, base_);
  if (urr_.method.has(pfcp::Measurement::volume)) {
    auto& volume = told.volume.emplace();
    volume.octets = {pfcp::OctetCount{total(used)}, pfcp::OctetCount{used.uplink_octets},
                     pfcp::OctetCount{used.downlink_octets}};
    if (asks(MeasurementDetail::number_of_packets)) {
      volume.total_packets = pfcp::PacketNumber{packets(used)};
      volume.uplink_packets = pfcp::PacketNumber{used.uplink_packets};
      volume.downlink_packets = pfcp::PacketNumber{used.downlink_packets};
    }
  }
  // Both ends rounded down, so that the reports add up to what was measured.
  const Span measured = ran(now);
  if (measures_time())
    told.duration = std::chrono::floor<pfcp::Seconds32>(measured) -
                    std::chrono::floor<pfcp::Seconds32>(ran_base_);
  // The meter has the very first packet; of later reports it is not known.
  if (packets(used) > 0) {
    if (packets(base_) == 0 && packets(skipped_) == 0)
      told.first_packet = ntp(instant_of(reading_.first_packet_ns));
    told.last_packet = ntp(instant_of(reading_.last_packet_ns));
  }
  out.push_back(told);
  base_ = reading_;
  start_ = now;
  ran_base_ = measured;
  arm();
}

}  // namespace lobo::dataplane::n4
