#pragma once
// The texts that the congestion demo leaves: tables, drawings, the page, the summary.

#include <string>

#include "toolbox/congestion.hpp"

namespace lobo::app {

std::string congestion_summary(const CongestionOutcome& outcome);
std::string shares_csv(const CongestionOutcome& outcome);
std::string frames_csv(const CongestionOutcome& outcome);
/// Each frame of each run as a coloured stroke. It stands alone and inside a page.
std::string timeline_svg(const CongestionOutcome& outcome);
std::string shares_svg(const CongestionOutcome& outcome);
std::string congestion_page(const CongestionOutcome& outcome);

}  // namespace lobo::app
