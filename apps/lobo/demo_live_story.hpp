#pragma once
// The steps of the live demo, whichever way its packets take.

#include <memory>
#include <string>

#include "demo_live/clip.hpp"
#include "demo_live_path.hpp"
#include "demo_report.hpp"

namespace lobo::app {

inline constexpr double live_seconds_max = 60;
inline constexpr double live_overload_max = 100;

struct LiveDemoSettings {
  ClipSettings clip;
  double overload_percent = 20;
  std::string directory;
};

/// Plays it over `path`. `fallback` says why it is not the network of namespaces, if it is not.
DemoReport play_live(const LiveDemoSettings& settings, LivePath& path, const std::string& fallback);

}  // namespace lobo::app
