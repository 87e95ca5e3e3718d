#pragma once
// What the live demo draws: each frame of each pass, and the two pictures with the figures.

#include <optional>
#include <string>
#include <vector>

#include "demo_live/clip.hpp"
#include "demo_live/viewing.hpp"

namespace lobo::app {

struct DrawnPass {
  std::string name;  ///< "plain scheduling"
  std::string note;  ///< "2.61 Mbps"
  const Viewing* viewing = nullptr;
};

/// It stands alone and inside a page.
std::string live_timeline_svg(const Clip& clip, const std::vector<DrawnPass>& passes);

/// The head of the page, HTML: the same instant twice, and the share of exact frames of each pass.
std::string live_lead_html(const std::optional<PicturePair>& pair, double overload_percent,
                           const std::vector<DrawnPass>& passes);

}  // namespace lobo::app
