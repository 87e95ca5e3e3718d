#pragma once
// What ss-nrm calls a measurement, what the engine calls it, and which source brings it.

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "api/ss_nrm.hpp"
#include "api/state/nrm_monitor.hpp"
#include "base/clock.hpp"
#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_rule.hpp"
#include "services/seal_nrm/monitor_sample.hpp"

namespace lobo::seal_nrm {

using api::ss_nrm::MeasurementData;
using api::ss_nrm::MeasurementDataTypeKnown;
using api::ss_nrm::MonitoringProfile;
using api::state::nrm_monitor::SampleIndex;
using api::state::nrm_monitor::SourceKind;
using monitor::Measure;

/// One row of what monitoring knows.
struct MeasureTerm {
  Measure measure;
  MeasurementDataTypeKnown type;
  std::string_view member;  ///< of MeasurementData
  SourceKind source;
  SampleIndex sample;
};
const std::array<MeasureTerm, monitor::measures_count>& measure_terms();
const MeasureTerm& term_of(Measure measure);
/// Nothing for a type that we do not know.
std::optional<Measure> measure_of(const api::ss_nrm::MeasurementDataType& type);

/// Whether `data` has something for it, be it a value or not.
bool has_value(const MeasurementData& data, Measure measure);
/// A value of MeasurementData in the engine's unit; nothing as well for a rate beyond all numbers.
std::optional<double> value_in(const MeasurementData& data, Measure measure);
void put_value(MeasurementData& data, Measure measure, double value);
/// Whether there is one value at least.
bool has_values(const MeasurementData& data);

/// The measures of a checked profile, in the order of measure_terms().
std::vector<Measure> measures_of(const MonitoringProfile& what);
/// The sources that bring them, each once.
std::vector<SourceKind> sources_of(const MonitoringProfile& what);
monitor::Duration window_of(const api::ss_nrm::MeasurementRequirements& requirements);
/// A checked profile as the engine follows it; windows and periods count from `started`, the time
/// until it expires from `ends_from`.
monitor::Rule rule_of(const MonitoringProfile& what, Instant started, Instant ends_from);

api::ss_nrm::TerminationCauseKnown cause_of(monitor::Termination termination);

api::state::nrm_monitor::EngineProgress stored(const monitor::Progress& progress);
monitor::Progress restored(const api::state::nrm_monitor::EngineProgress& progress);

}  // namespace lobo::seal_nrm
