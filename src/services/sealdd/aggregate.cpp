#include "services/sealdd/aggregate.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "api/sdd_relay.hpp"
#include "api/sdd_tqm.hpp"
#include "base/clock.hpp"
#include "base/quantity.hpp"
#include "model/bit_rate.hpp"
#include "services/sealdd/histogram.hpp"

namespace lobo::sealdd {

namespace tqm = api::sdd_tqm;
using tqm::MeasurementIdKnown;

namespace {

constexpr double us_per_ms = 1000;
constexpr double bits_per_kilobit = 1000;
constexpr double permille = 1000;
constexpr double ppm = 1e6;

/// Rounded up: a delay that is there is never told as none.
std::int64_t ms(double us) { return static_cast<std::int64_t>(std::ceil(us / us_per_ms)); }

std::string bit_rate(double bps) {
  return model::format_bit_rate(BitsPerSecond{static_cast<std::uint64_t>(std::llround(bps))});
}

bool wants(const std::vector<tqm::MeasurementId>& what, MeasurementIdKnown one) {
  return std::ranges::any_of(what, [one](const auto& id) { return id == one; });
}

}  // namespace

void Aggregate::add(const api::sdd_relay::RelayWindow& window) {
  const auto end = window.from + std::chrono::milliseconds(window.ms);
  from_ = windows_ == 0 ? window.from : std::min(from_, window.from);
  until_ = std::max(until_, end);
  ++windows_;
  const auto packets = static_cast<std::uint64_t>(window.packets);
  const auto lost = static_cast<std::uint64_t>(window.lost.value_or(0));
  packets_ += packets;
  lost_ += lost;
  bytes_ += window.bytes;
  if (window.direction == api::sdd_relay::RelayWindowDirection::dl) bytes_down_ += window.bytes;
  conflated_ += static_cast<std::uint64_t>(window.conflated.value_or(0));
  expired_ += static_cast<std::uint64_t>(window.expired.value_or(0));
  duplicates_ += static_cast<std::uint64_t>(window.duplicates.value_or(0));
  if (window.delay) delay_.add(*window.delay);
  if (window.jitter) jitter_.add(*window.jitter);
  if (window.age) age_.add(*window.age);
  if (packets + lost > 0)
    loss_.add(static_cast<std::uint64_t>(
        std::ceil(permille * static_cast<double>(lost) / static_cast<double>(packets + lost))));
  estimated_ = estimated_ || window.clock == api::sdd_relay::ClockState::estimated;
  clock_error_us_ = std::max(clock_error_us_, window.clock_error_us.value_or(0));
  const auto second =
      std::chrono::floor<std::chrono::seconds>(window.from).time_since_epoch().count();
  open_[second] += window.bytes;
  while (open_.size() > open_seconds_max) {
    rates_.add(static_cast<std::uint64_t>(static_cast<double>(open_.begin()->second) * 8 /
                                          bits_per_kilobit));
    open_.erase(open_.begin());
  }
}

std::int64_t Aggregate::loss_ppm() const {
  const auto all = static_cast<double>(packets_ + lost_);
  return all == 0 ? 0 : std::llround(ppm * static_cast<double>(lost_) / all);
}

double Aggregate::bits_per_second() const {
  const auto seconds = std::chrono::duration<double>(until_ - from_).count();
  return seconds <= 0 ? 0 : static_cast<double>(bytes_) * 8 / seconds;
}

double Aggregate::bits_per_second(api::sdd_relay::RelayWindowDirection direction) const {
  const auto seconds = std::chrono::duration<double>(until_ - from_).count();
  const auto bytes =
      direction == api::sdd_relay::RelayWindowDirection::dl ? bytes_down_ : bytes_ - bytes_down_;
  return seconds <= 0 ? 0 : static_cast<double>(bytes) * 8 / seconds;
}

/// Of whole seconds; the first and the last one may be cut, so that they count only where there is
/// nothing else.
Distribution Aggregate::rates() const {
  Distribution out = rates_;
  const bool some = open_.size() > 2;
  for (auto at = open_.begin(); at != open_.end(); ++at) {
    const bool cut = at == open_.begin() || std::next(at) == open_.end();
    if (some && cut) continue;
    out.add(static_cast<std::uint64_t>(static_cast<double>(at->second) * 8 / bits_per_kilobit));
  }
  return out;
}

std::optional<tqm::TransQualMeasData> Aggregate::data(const std::vector<tqm::MeasurementId>& what,
                                                      int percent, bool more, Instant now) const {
  if (empty()) return std::nullopt;
  tqm::TransQualMeasData out;
  bool any = false;
  if (wants(what, MeasurementIdKnown::latency) && !delay_.empty()) {
    any = true;
    out.min_latency = ms(static_cast<double>(delay_.min()));
    out.max_latency = ms(static_cast<double>(delay_.max()));
    out.avg_latency = ms(delay_.mean());
    out.std_dev_latency = ms(delay_.deviation());
    out.k_perc_latency = ms(static_cast<double>(delay_.percentile(percent)));
  }
  if (wants(what, MeasurementIdKnown::jitter) && !jitter_.empty()) {
    any = true;
    out.min_jitter = ms(static_cast<double>(jitter_.min()));
    out.max_jitter = ms(static_cast<double>(jitter_.max()));
    out.avg_jitter = ms(jitter_.mean());
    out.std_dev_jitter = ms(jitter_.deviation());
    out.k_perc_jitter = ms(static_cast<double>(jitter_.percentile(percent)));
  }
  if (wants(what, MeasurementIdKnown::packet_loss_rate) && !loss_.empty()) {
    any = true;
    out.min_pack_loss_rate = static_cast<std::int64_t>(loss_.min());
    out.max_pack_loss_rate = static_cast<std::int64_t>(loss_.max());
    out.avg_pack_loss_rate =
        static_cast<std::int64_t>(std::ceil(static_cast<double>(loss_ppm()) / permille));
    out.std_dev_pack_loss_rate = static_cast<std::int64_t>(std::ceil(loss_.deviation()));
    out.k_perc_pack_loss_rate = static_cast<std::int64_t>(loss_.percentile(percent));
  }
  if (wants(what, MeasurementIdKnown::bitrate)) {
    any = true;
    const auto seconds = rates();
    const auto at = [](double kilobits) { return bit_rate(kilobits * bits_per_kilobit); };
    out.min_bit_rate = at(static_cast<double>(seconds.min()));
    out.max_bit_rate = at(static_cast<double>(seconds.max()));
    out.avg_bit_rate = bit_rate(bits_per_second());
    out.std_dev_bit_rate = at(seconds.deviation());
    out.k_perc_bit_rate = at(static_cast<double>(seconds.percentile(percent)));
  }
  if (!any) return std::nullopt;
  out.meas_period = std::chrono::ceil<std::chrono::seconds>(until_ - from_).count();
  out.timestamp = now;
  if (!more) return out;
  auto& finer = out.more.emplace();
  finer.k_percentile = percent;
  finer.packets = packets_;
  finer.loss_ppm = loss_ppm();
  if (!delay_.empty()) {
    finer.avg_latency_us = delay_.mean();
    finer.k_perc_latency_us = static_cast<std::int64_t>(delay_.percentile(percent));
  }
  if (!jitter_.empty()) {
    finer.avg_jitter_us = jitter_.mean();
    finer.k_perc_jitter_us = static_cast<std::int64_t>(jitter_.percentile(percent));
  }
  if (!age_.empty()) {
    finer.avg_age_us = age_.mean();
    finer.k_perc_age_us = static_cast<std::int64_t>(age_.percentile(percent));
  }
  finer.conflated = conflated_;
  finer.expired = expired_;
  finer.duplicates = duplicates_;
  finer.clock =
      estimated_ ? api::sdd_relay::ClockState::estimated : api::sdd_relay::ClockState::synced;
  finer.clock_error_us = clock_error_us_;
  return out;
}

}  // namespace lobo::sealdd
