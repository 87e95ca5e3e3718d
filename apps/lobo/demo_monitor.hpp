#pragma once
// What a group of UEs experiences: monitored by threshold and by period while its links get worse
// and better, through a crash, to an end by count.

#include <string>

#include "demo_report.hpp"

namespace lobo::app {

/// Plays it in `directory`.
DemoReport play_monitor(const std::string& directory);

}  // namespace lobo::app
