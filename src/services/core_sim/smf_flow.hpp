#pragma once
// A QoS flow as the SMF is asked for it (TS 23.501 clause 5.7): which packets, what they are
// promised, what is said about their PDU Sets, and what is to be measured.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "api/common.hpp"
#include "base/quantity.hpp"
#include "services/core_sim/config.hpp"
#include "wire/pfcp/rules.hpp"

namespace lobo::core_sim {

/// How the packets of a session are told apart and treated, beside its Quality.
struct Treatment {
  /// Flow descriptions, all written as "permit out …": for the uplink the UPF swaps the ends.
  std::vector<std::string> filters_dl;
  std::vector<std::string> filters_ul;
  std::optional<unsigned> five_qi;  ///< of a QoS reference; figures are a dynamic 5QI
  std::optional<BitsPerSecond> mbr_dl;
  std::optional<BitsPerSecond> mbr_ul;
  std::optional<api::common::PduSetQosPara> pdu_set_dl;
  std::optional<api::common::PduSetQosPara> pdu_set_ul;
  std::optional<api::common::ProtocolDescription> protocol_dl;
  std::optional<api::common::ProtocolDescription> protocol_ul;
  bool burst_size = false;          ///< datBurstSizeInd
  bool time_to_next_burst = false;  ///< timetoNextBurstInd
  std::optional<std::chrono::milliseconds> averaging_window;
  bool operator==(const Treatment&) const = default;

  bool detects() const { return !filters_dl.empty() || !filters_ul.empty(); }
};

/// What a UPF is to measure of a flow by its marks (TS 29.244 clause 5.24.4).
struct DelayMonitoring {
  bool dl = false;
  bool ul = false;
  bool round_trip = false;
  std::optional<std::chrono::seconds> period;
  bool on_threshold = false;
  std::optional<std::chrono::milliseconds> threshold_dl;
  std::optional<std::chrono::milliseconds> threshold_ul;
  std::optional<std::chrono::milliseconds> threshold_round_trip;
  std::chrono::seconds wait{0};
  bool operator==(const DelayMonitoring&) const = default;
};

/// Usage is reported so often where nobody asks for rates.
inline constexpr std::chrono::seconds usage_period_default{10};

struct FlowSpec {
  Treatment treatment;
  Quality quality;
  std::vector<Quality> alternatives;  ///< what the gNB may fall back to, best first
  std::optional<DelayMonitoring> delay;
  std::chrono::seconds usage_period = usage_period_default;
  bool operator==(const FlowSpec&) const = default;

  bool guaranteed() const { return quality.gbr_dl.count > 0 || quality.gbr_ul.count > 0; }
};

/// What somebody wants to know of all packets of a UE together.
struct Observation {
  std::optional<DelayMonitoring> delay;  ///< without thresholds
  std::optional<std::chrono::seconds> usage_period;
  bool operator==(const Observation&) const = default;
};

/// Whether the rules of it fit into a session: at most what one PDI takes of filters.
inline bool fits_a_rule(const FlowSpec& spec) {
  return spec.treatment.filters_dl.size() <= pfcp::sdf_filters_per_pdi_max &&
         spec.treatment.filters_ul.size() <= pfcp::sdf_filters_per_pdi_max;
}

}  // namespace lobo::core_sim
