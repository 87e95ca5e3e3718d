#include "demo_session.hpp"

#include <fmt/format.h>

#include <iostream>
#include <string>
#include <string_view>

#include "adapters/quic/quic.hpp"
#include "base/result.hpp"
#include "cli.hpp"
#include "demo_live_options.hpp"
#include "demo_report.hpp"
#include "demo_session_story.hpp"
#include "exit_code.hpp"
#include "output.hpp"

namespace lobo::app {
namespace {

/// Below it one packet of the video keeps the narrow cell busy for longer than an avatar's flow may
/// wait: the cell takes its guaranteed flows in turns, packet by packet.
constexpr unsigned kilobits_min = 1000;

bool left_by_session(std::string_view name) {
  return left_by_live(name) || name == "flow" || name == "media" || name.starts_with("sealdd.") ||
         name.starts_with("metaverse.") || name.starts_with("node");
}

Exit session(const Arguments& arguments) {
  const auto settings = live_settings(arguments);
  if (!settings) return Exit::usage;
  if (settings->clip.kilobits_per_second < kilobits_min) {
    std::cerr << fmt::format("lobo: --rate wants kbit/s, {} to 50000\n", kilobits_min);
    return Exit::usage;
  }
  if (!adapters::quic::built_in())
    return tell("the demo cannot begin",
                {Errc::unavailable, "this program was built without QUIC", {}});
  clear_folder(settings->directory, left_by_session);
  std::string fallback;
  auto path = live_path(arguments, settings->directory, true, fallback);
  if (!path) return tell("the demo cannot begin", path.error());
  const DemoReport report = play_session(*settings, **path, fallback);
  clear_live_scratch(settings->directory);
  return finish_demo(report, settings->directory, !arguments.given("check"));
}

}  // namespace

Verb session_verb() {
  return {.path = "demo session",
          .summary =
              "a session from its request to nothing left: policy, NRM, SEALDD, poses and video "
              "through "
              "a congested cell, another node, teardown",
          .example = "  lobo demo session\n  lobo demo session --check --out out/session",
          .options = live_options("out/session"),
          .run = session};
}

}  // namespace lobo::app
