#include "demo_live.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/result.hpp"
#include "cli.hpp"
#include "demo_live_memory.hpp"
#include "demo_live_namespaces.hpp"
#include "demo_live_path.hpp"
#include "demo_live_story.hpp"
#include "demo_report.hpp"
#include "exit_code.hpp"
#include "output.hpp"

namespace lobo::app {
namespace {

template <class Number>
std::optional<Number> number(std::string_view text, Number least, Number most) {
  Number value{};
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (wrong != std::errc{} || end != text.data() + text.size() ||
      !(value >= least && value <= most))
    return std::nullopt;
  return value;
}

Exit misused(std::string_view option, std::string_view wants) {
  std::cerr << fmt::format("lobo: {} wants {}\n", option, wants);
  return Exit::usage;
}

bool left_by_live(std::string_view name) {
  return name.starts_with("live.keys") || name.starts_with("received-") || name == "clip.nut" ||
         name == "session.sdp" || name == "before.png" || name == "after.png" ||
         name == "timeline.svg" || name == "upf.yaml" || name == "gnb.yaml" || name == "n3.pcap" ||
         name == "n4.pcap" || name == "n6.pcap" || name.ends_with(".log");
}

/// Pictures without loss are large, and the key is of no use to anybody any more.
void clear_scratch(const std::string& directory) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("received-")) std::filesystem::remove(entry.path(), ignored);
  }
}

/// The network of namespaces, or where it may not be made, and `fallback` says why, memory rings.
Result<std::unique_ptr<LivePath>> path_of(const Arguments& arguments, const std::string& directory,
                                          std::string& fallback) {
  if (arguments.given("memory")) {
    fallback = "--memory asked for it.";
  } else {
    auto built = NamespacePath::build(directory, NamespacePath::Edge::without);
    if (built) return std::unique_ptr<LivePath>(std::move(*built));
    fallback = built.error().detail + ".";
    std::cout << fmt::format(
        "no network of namespaces here, so the same code runs over memory rings in one process: "
        "{}\n",
        fallback);
  }
  auto built = MemoryPath::build(directory);
  if (!built) return fail(built.error());
  return std::unique_ptr<LivePath>(std::move(*built));
}

Exit live(const Arguments& arguments) {
  LiveDemoSettings settings{.clip = {.video = std::string(arguments.text("video"))},
                            .directory = std::string(arguments.text("out"))};
  const auto seconds = number<double>(arguments.text("seconds"), 2, live_seconds_max);
  if (!seconds) return misused("--seconds", fmt::format("2 to {:g}", live_seconds_max));
  const auto rate = number<unsigned>(arguments.text("rate"), 300, 50'000);
  if (!rate) return misused("--rate", "kbit/s, 300 to 50000");
  const auto overload = number<double>(arguments.text("overload"), 5, live_overload_max);
  if (!overload) return misused("--overload", fmt::format("5 to {:g}", live_overload_max));
  const auto seed = number<std::uint32_t>(arguments.text("seed"), 0, 0x7FFFFFFF);
  if (!seed) return misused("--seed", "a number");
  const auto height = number<unsigned>(arguments.text("height"), 90, 1080);
  if (!height || *height % 2 != 0) return misused("--height", "an even number, 90 to 1080");
  settings.clip.seconds = *seconds;
  settings.clip.kilobits_per_second = *rate;
  settings.clip.seed = *seed;
  settings.clip.height = *height;
  settings.overload_percent = *overload;
  clear_folder(settings.directory, left_by_live);

  std::string fallback;
  auto path = path_of(arguments, settings.directory, fallback);
  if (!path) return tell("the demo cannot begin", path.error());
  const DemoReport report = play_live(settings, **path, fallback);
  clear_scratch(settings.directory);
  return finish_demo(report, settings.directory, !arguments.given("check"));
}

}  // namespace

Verb live_verb() {
  return {
      .path = "demo live",
      .summary =
          "the live path: QoS asked for, real video through a congested cell, told, released",
      .example =
          "  lobo demo live\n  lobo demo live --video holiday.mp4 --seconds 20\n"
          "  lobo demo live --memory",
      .options = {{.name = "--out",
                   .help = "folder for what it leaves behind",
                   .fallback = "out/live"},
                  {.name = "--video", .help = "a video file of yours; else a test picture"},
                  {.name = "--seconds", .help = "of video in each pass", .fallback = "6"},
                  {.name = "--rate", .help = "of the encoder, kbit/s", .fallback = "3000"},
                  {.name = "--overload",
                   .help = "by how many percent the video exceeds the congested cell",
                   .fallback = "20"},
                  {.name = "--height", .help = "of the test picture", .fallback = "360"},
                  {.name = "--seed", .help = "of the noise in the test picture", .fallback = "1"},
                  {.name = "--memory",
                   .help = "without a network: over memory rings in one process",
                   .takes = Option::Takes::nothing},
                  {.name = "--check",
                   .help = "unattended: say nothing to a person at the end",
                   .takes = Option::Takes::nothing}},
      .run = live};
}

}  // namespace lobo::app
