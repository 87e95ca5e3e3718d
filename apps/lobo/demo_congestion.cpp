#include "demo_congestion.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "cli.hpp"
#include "dataplane/bottleneck.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "toolbox/congestion.hpp"
#include "toolbox/congestion_run.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::app {
namespace {

std::atomic<bool> told_to_end{false};
static_assert(std::atomic<bool>::is_always_lock_free);  // a signal handler writes it

/// Ctrl-C is noted while this lives; the programs that we run get it as well.
class Interruptible {
 public:
  Interruptible() : before_(std::signal(SIGINT, [](int) { told_to_end = true; })) {}
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;
  ~Interruptible() { std::signal(SIGINT, before_); }

 private:
  void (*before_)(int);
};

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

/// One line that is written over again on a terminal; elsewhere a line for each thing that is done.
void show_progress(const std::string& what, double share) {
  if (::isatty(STDERR_FILENO) == 1)
    std::cerr << fmt::format("\r\x1b[K {:3.0f} %  {}", share * 100, what) << std::flush;
  else if (what != "encoding")
    std::cerr << fmt::format(" {:3.0f} %  {}\n", share * 100, what);
}

void print_table(const CongestionOutcome& outcome) {
  std::cout << fmt::format("\nbit-exact frames of {}, by overload\n{:<12}",
                           outcome.stream.frames.size(), "");
  for (const unsigned percent : overload_percents)
    std::cout << fmt::format("{:>8}", fmt::format("{} %", percent));
  std::cout << '\n';
  for (const auto contender : contenders) {
    std::cout << fmt::format(
        "{:<12}", contender == Contender::oracle ? "oracle, sent" : to_string(contender));
    for (const unsigned percent : overload_percents)
      std::cout << fmt::format("{:>7.1f}%", outcome.run(percent, contender).exact_share() * 100);
    std::cout << '\n';
  }
  std::cout << fmt::format("{:<12}", "upper bound");
  for (const unsigned percent : overload_percents)
    std::cout << fmt::format(
        "{:>7.1f}%", 100 * static_cast<double>(outcome.run(percent, Contender::oracle).bound) /
                         static_cast<double>(outcome.stream.frames.size()));
  std::cout << "\n\n";
}

/// Where a frame is larger than the queue, there is little that a policy can do for it.
std::string queue_remark(const CongestionOutcome& outcome) {
  const Link link = link_of(outcome.stream, shown_overload_percent);
  const std::uint64_t queue = dataplane::bytes_in(link.rate, link.queue_time);
  const std::uint64_t largest = outcome.largest_frame_bytes();
  if (largest <= queue) return {};
  return fmt::format(
      "the largest frame has {} bytes, the queue {}: no policy can keep such frames whole\n",
      largest, queue);
}

Exit congestion(const Arguments& arguments) {
  CongestionSettings settings{.directory = std::string(arguments.text("out"))};
  auto& video = settings.video;
  video.input = std::string(arguments.text("video"));
  if (arguments.text("codec") == "h265") video.codec = rtp::VideoCodec::h265;
  const auto seconds = number<double>(arguments.text("seconds"), 0.5, congestion_seconds_max);
  if (!seconds) return misused("--seconds", fmt::format("0.5 to {:g}", congestion_seconds_max));
  const auto rate = number<unsigned>(arguments.text("rate"), 100, 200'000);
  if (!rate) return misused("--rate", "kbit/s, 100 to 200000");
  const auto seed = number<std::uint32_t>(arguments.text("seed"), 0, 0x7FFFFFFF);
  if (!seed) return misused("--seed", "a number");
  const auto height = number<unsigned>(arguments.text("height"), 90, 2160);
  if (!height || *height % 2 != 0) return misused("--height", "an even number, 90 to 2160");
  video.seconds = *seconds;
  video.kilobits_per_second = *rate;
  video.seed = *seed;
  video.height = *height;
  video.width = *height * 16 / 9 / 2 * 2;

  // What an earlier run left must not be taken for this one's.
  std::error_code ignored;
  std::filesystem::remove(fmt::format("{}/summary.json", settings.directory), ignored);
  const Interruptible interruptible;
  const auto outcome = play_congestion(
      settings, {.at = show_progress, .interrupted = [] { return told_to_end.load(); }});
  if (::isatty(STDERR_FILENO) == 1) std::cerr << "\r\x1b[K";
  if (told_to_end) {
    std::cout << "interrupted: nothing was written\n";
    return Exit::interrupted;
  }
  if (!outcome) return tell("the demo did not come to its end", outcome.error());
  if (const auto written = write_congestion(*outcome); !written)
    return tell("the demo's artefacts are not complete", written.error(),
                "choose another folder with --out");
  print_table(*outcome);
  const double tail = outcome->run(shown_overload_percent, Contender::taildrop).exact_share();
  const double after = outcome->run(shown_overload_percent, Contender::threshold).exact_share();
  std::cout
      << fmt::format(
             "at {} % overload PDU-Set handling brings {:.1f} times the bit-exact frames of tail "
             "drop\nreal: video, encoder, packets, marks, decoder; simulated: the link\n",
             shown_overload_percent, tail > 0 ? after / tail : 0.0)
      << queue_remark(*outcome)
      << fmt::format("{}: {}/summary.json\n", outcome->sound() ? "ok" : "FAILED",
                     settings.directory);
  if (!arguments.given("check"))
    std::cout << fmt::format("open {}/report.html in a browser\n", settings.directory);
  return outcome->sound() ? Exit::ok : Exit::failed;
}

}  // namespace

Verb congestion_verb() {
  return {
      .path = "demo congestion",
      .summary = "real video through a bottleneck: tail drop beside PDU-Set handling",
      .example = "  lobo demo congestion\n  lobo demo congestion --video holiday.mp4 --seconds 20",
      .options = {{.name = "--out",
                   .help = "folder for what it leaves behind",
                   .fallback = "out/congestion"},
                  {.name = "--video", .help = "a video file of yours; else a test picture"},
                  {.name = "--seconds", .help = "of video", .fallback = "10"},
                  {.name = "--rate", .help = "of the encoder, kbit/s", .fallback = "12000"},
                  {.name = "--codec",
                   .help = "what encodes it",
                   .fallback = "h264",
                   .choices = {"h264", "h265"}},
                  {.name = "--height", .help = "of the test picture", .fallback = "720"},
                  {.name = "--seed", .help = "of the noise in the test picture", .fallback = "1"},
                  {.name = "--check",
                   .help = "unattended: say nothing to a person at the end",
                   .takes = Option::Takes::nothing}},
      .run = congestion};
}

}  // namespace lobo::app
