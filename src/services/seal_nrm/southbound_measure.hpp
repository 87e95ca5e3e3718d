#pragma once
// What is measured, as plain HTTP messages of a NEF: QOS_MONITORING and USAGE_REPORT of
// AsSessionWithQoS (TS 29.122 clause 5.14), DN_PERFORMANCE of AnalyticsExposure (TS 29.522 clause
// 4.4.14). One subscription at the core for each kind, so that a core that lacks one brings the
// others.

#include <chrono>
#include <string>
#include <string_view>

#include "api/state/nrm_monitor.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "wire/http/message.hpp"

namespace lobo::seal_nrm {

using api::state::nrm_monitor::SamplesSeen;
using api::state::nrm_monitor::SourceKind;

/// Samples of one callback beyond this many are not read.
inline constexpr std::size_t samples_per_callback_max = 256;
/// No sample is larger: rates and volumes of a year at a petabit a second.
inline constexpr double sample_value_max = 1e24;

/// No volume was measured over more.
inline constexpr std::chrono::hours sample_interval_max{24 * 365};

bool needs_address(SourceKind kind);

http::Request measure_request(const Settings& settings, SourceKind kind,
                              const std::string& callback, std::string_view gpsi,
                              const UeAddress& address);
http::Request measure_get_request(const Settings& settings, SourceKind kind, std::string_view id);
http::Request measure_release_request(const Settings& settings, SourceKind kind,
                                      std::string_view id);
http::Request measure_list_request(const Settings& settings, SourceKind kind);

struct MeasureNews {
  SamplesSeen samples;
  bool ended = false;  ///< the core ended the session
  std::optional<std::string> session;
};
/// What a callback brings. Values that are no measurement (negative, absurd) are left out.
Result<MeasureNews> read_measurements(std::string_view body, SourceKind kind);

}  // namespace lobo::seal_nrm
