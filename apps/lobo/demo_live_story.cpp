#include "demo_live_story.hpp"

#include <chrono>
#include <string>

#include "demo_live_acts.hpp"
#include "demo_live_path.hpp"
#include "demo_report.hpp"

namespace lobo::app {

DemoReport play_live(const LiveDemoSettings& settings, LivePath& path,
                     const std::string& fallback) {
  const auto begin = std::chrono::steady_clock::now();
  DemoReport report{.demo = "live", .facts = {{"network", std::string(path.network())}}};
  LiveActs acts(settings, path, report);
  if (!fallback.empty()) report.facts.emplace_back("fallback", fallback);
  report.subject =
      acts.real()
          ? "Real H.264 video from a server over a marking, a UPF and a gNB to an unmodified "
            "receiver, in network namespaces of this machine. Programs, packets, marks, "
            "rules and pictures are real; the radio is emulated, N2 and NAS are stand-ins."
          : "The same code over memory rings in one process, in virtual time: no packet was "
            "on a network. Video, marks, rules and pictures are real; the radio is "
            "emulated. " +
                fallback;
  for (const auto act :
       {&LiveActs::video_is_encoded, &LiveActs::programs_start, &LiveActs::application_asks,
        &LiveActs::plain, &LiveActs::with_sets, &LiveActs::guarantee_is_broken,
        &LiveActs::well_again, &LiveActs::released, &LiveActs::evaluated}) {
    if (acts.interrupted()) break;
    (acts.*act)();
    if (!report.steps.empty() && !report.steps.back().ok) break;
  }
  report.interrupted = acts.interrupted();
  acts.end();
  acts.draw();
  acts.figure("total_seconds",
              std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  return report;
}

}  // namespace lobo::app
