#pragma once
// Who said what to whom in the live demo: the HTTP messages that the programs recorded, N4 as it
// was seen, and the media as one arrow each.

#include <optional>
#include <string>
#include <vector>

#include "adapters/trace/trace_view.hpp"
#include "base/result.hpp"
#include "sequence_svg.hpp"

namespace lobo::app {

Result<adapters::trace::Run> live_sequence(const std::string& folder,
                                           std::vector<adapters::trace::SeenMessage> others);

/// Milliseconds from the gNB's first notice at netsim to the application's first notification
/// after it.
std::optional<double> notice_to_notification(const adapters::trace::Run& run);

/// What leaves no record of its own, such as media: one arrow, now.
adapters::trace::SeenMessage seen_by_demo(std::string from, std::string to, std::string text,
                                          std::string clause);

std::vector<SequenceArrow> arrows_of(const adapters::trace::Run& run);

}  // namespace lobo::app
