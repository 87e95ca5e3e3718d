#include "demo_live_options.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "cli.hpp"
#include "demo_live_acts.hpp"
#include "demo_live_memory.hpp"
#include "demo_live_namespaces.hpp"
#include "demo_live_path.hpp"
#include "demo_report.hpp"

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

std::nullopt_t misused(std::string_view option, std::string_view wants) {
  std::cerr << fmt::format("lobo: {} wants {}\n", option, wants);
  return std::nullopt;
}

}  // namespace

std::vector<Option> live_options(std::string_view out) {
  return {{.name = "--out", .help = "folder for what it leaves behind", .fallback = out},
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
           .takes = Option::Takes::nothing}};
}

std::optional<LiveDemoSettings> live_settings(const Arguments& arguments) {
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
  return settings;
}

Result<std::unique_ptr<LivePath>> live_path(const Arguments& arguments,
                                            const std::string& directory, bool with_edge,
                                            std::string& fallback) {
  if (arguments.given("memory")) {
    fallback = "--memory asked for it.";
  } else {
    auto built = NamespacePath::build(
        directory, with_edge ? NamespacePath::Edge::with : NamespacePath::Edge::without);
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

bool left_by_live(std::string_view name) {
  return name.starts_with("live.keys") || name.starts_with("received-") || name == "clip.nut" ||
         name == "session.sdp" || name == "before.png" || name == "after.png" ||
         name == "timeline.svg" || name == "upf.yaml" || name == "gnb.yaml" || name == "n3.pcap" ||
         name == "n4.pcap" || name == "n6.pcap" || name.ends_with(".log");
}

void clear_live_scratch(const std::string& directory) {
  clear_folder(directory, [](std::string_view name) { return name.starts_with("received-"); });
}

}  // namespace lobo::app
