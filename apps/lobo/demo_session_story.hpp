#pragma once
// The acts of the session demo, whichever way its packets take.

#include <string>

#include "demo_live_acts.hpp"
#include "demo_live_path.hpp"
#include "demo_report.hpp"

namespace lobo::app {

/// Plays it over `path`. `fallback` says why it is not the network of namespaces, if it is not.
DemoReport play_session(const LiveDemoSettings& settings, LivePath& path,
                        const std::string& fallback);

}  // namespace lobo::app
