#pragma once
// The main job from end to end: a promise asked for, refused, kept, broken, told, survived,
// released.

#include <string>

#include "demo_report.hpp"

namespace lobo::app {

/// Plays the story in `directory` and leaves summary.json, report.html and trace.mmd there.
DemoReport play_story(const std::string& directory);

}  // namespace lobo::app
