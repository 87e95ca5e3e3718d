#pragma once
// What is measured, and one measured value as a source hands it over.

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <string_view>

#include "base/clock.hpp"

namespace lobo::seal_nrm::monitor {

/// The measurement indexes of TS 23.434 table 14.3.2.20-1. The unit is part of the measure:
/// delays in milliseconds, the loss rate in tenths of a percent (0 to 1000, as PacketLossRate of
/// TS 29.571), rates in bit/s, volumes in octets.
enum class Measure : std::uint8_t {
  dl_delay,
  ul_delay,
  rt_delay,
  loss_rate,
  rate_average,
  rate_maximum,
  dl_volume,
  ul_volume
};
inline constexpr std::size_t measures_count = 8;
inline constexpr std::array<Measure, measures_count> all_measures{
    Measure::dl_delay,     Measure::ul_delay,     Measure::rt_delay,  Measure::loss_rate,
    Measure::rate_average, Measure::rate_maximum, Measure::dl_volume, Measure::ul_volume};

constexpr std::size_t index_of(Measure measure) { return static_cast<std::size_t>(measure); }
constexpr bool is_volume(Measure measure) {
  return measure == Measure::dl_volume || measure == Measure::ul_volume;
}
constexpr bool is_delay(Measure measure) {
  return measure == Measure::dl_delay || measure == Measure::ul_delay ||
         measure == Measure::rt_delay;
}

constexpr std::string_view to_string(Measure measure) {
  switch (measure) {
    case Measure::dl_delay: return "dl_delay";
    case Measure::ul_delay: return "ul_delay";
    case Measure::rt_delay: return "rt_delay";
    case Measure::loss_rate: return "loss_rate";
    case Measure::rate_average: return "rate_average";
    case Measure::rate_maximum: return "rate_maximum";
    case Measure::dl_volume: return "dl_volume";
    case Measure::ul_volume: return "ul_volume";
  }
  std::abort();
}

/// A set of measures.
class Measures {
 public:
  constexpr Measures() = default;
  constexpr Measures(std::initializer_list<Measure> measures) {
    for (const Measure measure : measures) add(measure);
  }
  constexpr void add(Measure measure) {
    bits_ = static_cast<std::uint8_t>(bits_ | 1U << index_of(measure));
  }
  constexpr bool has(Measure measure) const { return (bits_ >> index_of(measure) & 1U) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr std::size_t count() const { return static_cast<std::size_t>(std::popcount(bits_)); }
  constexpr void clear() { bits_ = 0; }
  constexpr bool operator==(const Measures&) const = default;

 private:
  std::uint8_t bits_ = 0;
};

/// Names an entity of one engine. A handle whose entity is gone is never taken for another one.
template <class Tag>
struct Handle {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;  ///< 0 names nothing
  bool operator==(const Handle&) const = default;
};
using TargetId = Handle<struct TargetTag>;              ///< a UE, or a stream: an ordered pair
using SubscriptionId = Handle<struct SubscriptionTag>;  ///< a rule over targets

// What is larger is no measurement but a fault of its source.
inline constexpr double delay_ms_max = 3'600'000;
inline constexpr double loss_rate_max = 1000;
inline constexpr double rate_bps_max = 1e13;
inline constexpr double volume_octets_max = 1e15;

inline constexpr std::uint16_t sources_max = 4096;
/// Doubles are recognised among this many samples of one target and measure.
inline constexpr std::size_t samples_remembered = 8;
/// A source's clock may be ahead of ours by this much; its sample counts as taken now.
inline constexpr std::chrono::microseconds skew_max = std::chrono::seconds{2};
/// The first and last instants that are believed.
inline constexpr Instant earliest{};
inline constexpr Instant latest{std::chrono::hours{24 * 365 * 130}};

struct Sample {
  TargetId target;
  Measure measure = Measure::dl_delay;
  double value = 0;  ///< in the unit of the measure
  Instant taken_at{};
  std::uint16_t source = 0;  ///< who measured, below sources_max
  /// What the value was measured over: needed for a volume, the weight of a rate; from == to: not
  /// known. Its end decides, in place of taken_at, which window a rate belongs to.
  Instant from{};
  Instant to{};
  std::uint64_t packets = 0;  ///< the weight of a loss rate; 0: not known
};

/// What became of a sample. Each is counted (Counters::fates).
enum class SampleFate : std::uint8_t {
  taken,           ///< by at least one subscription
  late,            ///< only windows that are closed would have wanted it
  outside,         ///< of nobody's measurement period
  unwanted,        ///< nobody has subscribed to this measure of this target
  duplicate,       ///< same target, measure, time and source as one shortly before
  unknown_target,  ///< no such target, or no longer
  unknown_source,  ///< source number too large
  not_a_number,    ///< NaN or infinite
  negative,
  absurd_value,  ///< above what the measure can have
  absurd_time,   ///< outside [earliest, latest]
  from_future,   ///< ahead of us by more than skew_max
  bad_interval,  ///< ends before it begins, or missing for a volume
};
inline constexpr std::size_t sample_fates_count = 13;

constexpr std::string_view to_string(SampleFate fate) {
  switch (fate) {
    case SampleFate::taken: return "taken";
    case SampleFate::late: return "late";
    case SampleFate::outside: return "outside";
    case SampleFate::unwanted: return "unwanted";
    case SampleFate::duplicate: return "duplicate";
    case SampleFate::unknown_target: return "unknown_target";
    case SampleFate::unknown_source: return "unknown_source";
    case SampleFate::not_a_number: return "not_a_number";
    case SampleFate::negative: return "negative";
    case SampleFate::absurd_value: return "absurd_value";
    case SampleFate::absurd_time: return "absurd_time";
    case SampleFate::from_future: return "from_future";
    case SampleFate::bad_interval: return "bad_interval";
  }
  std::abort();
}

/// The reason to refuse a sample for what it says by itself; `taken` where there is none.
SampleFate vet(const Sample& sample, Instant now);

}  // namespace lobo::seal_nrm::monitor
