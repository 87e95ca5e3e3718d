#pragma once
// A sequence diagram as one SVG element, for reports that must open without any download.

#include <cstddef>
#include <string>
#include <vector>

namespace lobo::app {

inline constexpr std::size_t sequence_arrows_max = 600;  ///< later ones are left out, and counted

struct SequenceArrow {
  std::string from, to;
  std::string text;     ///< on the arrow: "POST /ss-nra/v1/…", "201"
  std::string clause;   ///< beside it, small; may be empty
  std::string when;     ///< in the margin: "1.204 s"
  bool request = true;  ///< answers are dashed
};

/// Parties stand in the order of their first appearance.
std::string sequence_svg(const std::vector<SequenceArrow>& arrows);

/// `text` with <, >, & and quotes escaped for HTML and SVG.
std::string html_escaped(std::string_view text);

}  // namespace lobo::app
