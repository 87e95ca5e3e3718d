#include <string>
#include <vector>

#include "cli.hpp"
#include "commands.hpp"
#include "demo_avatars.hpp"
#include "demo_congestion.hpp"
#include "demo_green.hpp"
#include "demo_live.hpp"
#include "demo_monitor.hpp"
#include "demo_report.hpp"
#include "demo_session.hpp"
#include "demo_story.hpp"
#include "exit_code.hpp"

namespace lobo::app {
namespace {

/// Plays one demo into `directory`; its summary, report and exit code.
Exit play(const Arguments& arguments, DemoReport (*demo)(const std::string&),
          const std::string& directory) {
  return finish_demo(demo(directory), directory, !arguments.given("check"));
}

Exit story(const Arguments& arguments) {
  return play(arguments, play_story, std::string(arguments.text("out")));
}

Exit monitor(const Arguments& arguments) {
  return play(arguments, play_monitor, std::string(arguments.text("out")));
}

}  // namespace

std::vector<Verb> demo_verbs() {
  return {{.path = "demo monitor",
           .summary = "what 50 UEs experience: thresholds up and down, a crash, an end by count",
           .example = "  lobo demo monitor\n  lobo demo monitor --check --out out/monitor",
           .options = {{.name = "--out",
                        .help = "folder for what it leaves behind",
                        .fallback = "out/monitor"},
                       {.name = "--check",
                        .help = "unattended: say nothing to a person at the end",
                        .takes = Option::Takes::nothing}},
           .run = monitor},
          {.path = "demo story",
           .summary = "the main job from end to end: promise, refusal, loss, crash, release",
           .example = "  lobo demo story\n  lobo demo story --check --out out/demo",
           .options = {{.name = "--out",
                        .help = "folder for what it leaves behind",
                        .fallback = "out/demo"},
                       {.name = "--check",
                        .help = "unattended: say nothing to a person at the end",
                        .takes = Option::Takes::nothing}},
           .run = story},
          congestion_verb(),
          live_verb(),
          green_verb(),
          avatars_verb(),
          session_verb()};
}

}  // namespace lobo::app
