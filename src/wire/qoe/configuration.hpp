#pragma once
// What an application layer measurement configuration asks of a UE: the file of a QMC job
// (TS 28.405) and the content of the container in RRCReconfiguration. TS 26.247 annex L leaves the
// names of its elements to the file that the operator has; these here are ours, and what is not
// known is passed over.

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace lobo::qoe {

inline constexpr std::size_t configuration_bytes_max = 65'536;  ///< of XML
inline constexpr std::size_t configured_metrics_max = 16;
inline constexpr std::chrono::seconds reporting_interval_max{86'400};

struct QoeConfiguration {
  std::chrono::seconds reporting_interval{};  ///< at least one second
  std::vector<std::string> metrics;           ///< of TS 26.247 clause 10.2; empty: all
  bool operator==(const QoeConfiguration&) const = default;
};

/// Every fault says where, as read_report() does.
Result<QoeConfiguration> read_configuration(std::string_view xml);
std::string write_configuration(const QoeConfiguration& configuration);

}  // namespace lobo::qoe
