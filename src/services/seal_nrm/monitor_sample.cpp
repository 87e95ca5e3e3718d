#include "services/seal_nrm/monitor_sample.hpp"

#include <cmath>
#include <cstdlib>

#include "base/clock.hpp"

namespace lobo::seal_nrm::monitor {
namespace {

double value_max(Measure measure) {
  switch (measure) {
    case Measure::dl_delay:
    case Measure::ul_delay:
    case Measure::rt_delay: return delay_ms_max;
    case Measure::loss_rate: return loss_rate_max;
    case Measure::rate_average:
    case Measure::rate_maximum: return rate_bps_max;
    case Measure::dl_volume:
    case Measure::ul_volume: return volume_octets_max;
  }
  std::abort();
}

bool believed(Instant at) { return earliest <= at && at <= latest; }

}  // namespace

SampleFate vet(const Sample& sample, Instant now) {
  if (sample.source >= sources_max) return SampleFate::unknown_source;
  if (!std::isfinite(sample.value)) return SampleFate::not_a_number;
  if (sample.value < 0) return SampleFate::negative;
  if (sample.value > value_max(sample.measure)) return SampleFate::absurd_value;
  if (!believed(sample.taken_at) || !believed(sample.from) || !believed(sample.to))
    return SampleFate::absurd_time;
  if (sample.to < sample.from) return SampleFate::bad_interval;
  if (sample.to == sample.from && is_volume(sample.measure)) return SampleFate::bad_interval;
  if (sample.taken_at > now + skew_max || sample.to > now + skew_max)
    return SampleFate::from_future;
  return SampleFate::taken;
}

}  // namespace lobo::seal_nrm::monitor
