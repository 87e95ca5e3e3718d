#include "demo_live.hpp"

#include <string>

#include "cli.hpp"
#include "demo_live_options.hpp"
#include "demo_live_story.hpp"
#include "demo_report.hpp"
#include "exit_code.hpp"
#include "output.hpp"

namespace lobo::app {
namespace {

Exit live(const Arguments& arguments) {
  const auto settings = live_settings(arguments);
  if (!settings) return Exit::usage;
  clear_folder(settings->directory, left_by_live);
  std::string fallback;
  auto path = live_path(arguments, settings->directory, false, fallback);
  if (!path) return tell("the demo cannot begin", path.error());
  const DemoReport report = play_live(*settings, **path, fallback);
  clear_live_scratch(settings->directory);
  return finish_demo(report, settings->directory, !arguments.given("check"));
}

}  // namespace

Verb live_verb() {
  return {.path = "demo live",
          .summary =
              "the live path: QoS asked for, real video through a congested cell, told, released",
          .example =
              "  lobo demo live\n  lobo demo live --video holiday.mp4 --seconds 20\n"
              "  lobo demo live --memory",
          .options = live_options("out/live"),
          .run = live};
}

}  // namespace lobo::app
