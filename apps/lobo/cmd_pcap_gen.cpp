// `lobo pcap gen`: real video as RTP in a capture, with known marks.
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/text.hpp"
#include "cli.hpp"
#include "cmd_pcap.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "toolbox/generate.hpp"
#include "wire/capture/capture.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::app {
namespace {

constexpr std::uint64_t seconds_max = 3600;
constexpr std::uint64_t size_max = 8192;
constexpr std::uint64_t rate_max = 240;
constexpr std::uint64_t kilobits_max = 1'000'000;
constexpr std::uint64_t group_max = 10000;
constexpr std::uint64_t b_pictures_max = 8;
constexpr std::uint64_t slices_max = 32;
constexpr std::uint64_t payload_min = 64;
constexpr std::uint64_t payload_max = 60000;

/// Reads whole numbers into their places; the first fault is kept.
class Numbers {
 public:
  explicit Numbers(const Arguments& arguments) : arguments_(arguments) {}
  template <class Number>
  void read(std::string_view name, std::uint64_t least, std::uint64_t most, Number& to) {
    const auto value = number_option(arguments_, name, least, most);
    if (value)
      to = static_cast<Number>(*value);
    else if (result_)
      result_ = fail(value.error());
  }
  const Result<void>& result() const { return result_; }

 private:
  const Arguments& arguments_;
  Result<void> result_;
};

Result<GenerateSettings> generate_settings(const Arguments& arguments) {
  GenerateSettings settings;
  auto& video = settings.video;
  video.codec = arguments.text("codec") == "h265" ? rtp::VideoCodec::h265 : rtp::VideoCodec::h264;
  video.input = std::string(arguments.text("input"));
  if (video.input == "-")
    return fail(Errc::not_allowed, "--input wants a file: ffmpeg seeks in it");
  video.picture = std::string(arguments.text("picture"));
  Numbers numbers(arguments);
  if (arguments.given("fps")) numbers.read("fps", 1, rate_max, video.frames_per_second.emplace());
  numbers.read("kbps", 1, kilobits_max, video.kilobits_per_second);
  numbers.read("gop", 1, group_max, video.pictures_per_group);
  numbers.read("b-frames", 0, b_pictures_max, video.b_pictures);
  numbers.read("slices", 1, slices_max, video.slices);
  numbers.read("seed", 0, 0x7FFFFFFF, video.seed);
  numbers.read("payload", payload_min, payload_max, settings.payload_bytes);
  numbers.read("vlan", 0, 4094, settings.vlan);
  numbers.read("port", 1, 65535, settings.destination_port);
  numbers.read("seconds", 1, seconds_max, video.seconds);
  if (!numbers.result()) return fail(numbers.result().error());
  const auto size = split(arguments.text("size"), 'x');
  const auto width = size.size() == 2 ? parse_decimal(size[0]) : std::nullopt;
  const auto height = size.size() == 2 ? parse_decimal(size[1]) : std::nullopt;
  const auto fits = [](std::optional<std::uint64_t> side) {
    return side && *side >= 16 && *side <= size_max && *side % 2 == 0;
  };
  if (!fits(width) || !fits(height))
    return fail(
        Errc::pattern,
        fmt::format("--size wants WIDTHxHEIGHT, even numbers from 16 to {}: 1280x720", size_max));
  video.width = static_cast<unsigned>(*width);
  video.height = static_cast<unsigned>(*height);
  settings.aggregate = arguments.given("aggregate");
  settings.source = std::string(arguments.text("source"));
  settings.destination = std::string(arguments.text("destination"));

  auto marks = write_settings(arguments);
  if (!marks) return fail(marks.error());
  settings.marks = *marks;
  const auto marker = marker_config(arguments);
  if (!marker) return fail(marker.error());
  settings.marker = *marker;
  if (arguments.text("output").ends_with(".pcapng")) settings.format = capture::Format::pcapng;
  return settings;
}

Exit gen(const Arguments& arguments) {
  constexpr std::string_view what = "nothing was generated";
  const auto settings = generate_settings(arguments);
  if (!settings) return tell(what, settings.error(), "lobo pcap gen --help"), Exit::usage;
  auto out = open_output(arguments, {});
  if (!out) return tell(what, out.error());
  const auto made = generate(*settings, *out);
  if (!made) return tell(what, made.error());
  fmt::print(stderr, "{} pictures of {} by ffmpeg in {} packets, {} bytes; {} marked\n",
             made->pictures, settings->video.codec == rtp::VideoCodec::h264 ? "x264" : "x265",
             made->packets, made->bytes, made->marks.marked);
  return made->marks.failed == 0 ? Exit::ok : Exit::failed;
}

}  // namespace

std::vector<Verb> pcap_gen_verbs() {
  std::vector<Option> own{
      output_file_option(),
      {.name = "--codec",
       .help = "x264 or x265 encodes",
       .fallback = "h264",
       .choices = {"h264", "h265"}},
      {.name = "--seconds", .help = "of video", .fallback = "10"},
      {.name = "--input", .help = "a video file; else a test picture"},
      {.name = "--picture",
       .help = "the test picture, with noise over it",
       .fallback = "mandelbrot",
       .choices = {"mandelbrot", "testsrc2", "testsrc", "smptebars"}},
      {.name = "--size", .help = "of the test picture", .fallback = "1280x720"},
      {.name = "--fps", .help = "pictures a second; else a file's own, of the test picture 60"},
      {.name = "--kbps", .help = "kilobits a second", .fallback = "12000"},
      {.name = "--gop", .help = "pictures from one IDR to the next", .fallback = "60"},
      {.name = "--b-frames", .help = "B pictures between two P pictures", .fallback = "3"},
      {.name = "--slices", .help = "of a picture", .fallback = "1"},
      {.name = "--seed", .help = "of the noise and of the SSRC", .fallback = "1"},
      {.name = "--payload", .help = "bytes of an RTP payload, at most", .fallback = "1200"},
      {.name = "--aggregate",
       .help = "NAL units that fit one payload share it: STAP-A, AP",
       .takes = Option::Takes::nothing},
      {.name = "--source", .help = "IPv4 or IPv6 address", .fallback = "192.0.2.1"},
      {.name = "--destination", .help = "IPv4 or IPv6 address", .fallback = "198.51.100.2"},
      {.name = "--port", .help = "destination port", .fallback = "5004"},
      {.name = "--vlan", .help = "VLAN identifier; 0: no tag", .fallback = "0"}};
  return {
      {.path = "pcap gen",
       .summary = "real H.264 or H.265 video as RTP in a capture, with PDU Set marks",
       .example = "  lobo pcap gen --seconds 5 --carry udp-option -o n6.pcap\n"
                  "  lobo pcap gen --codec h265 --input film.mp4 --carry none -o n6.pcapng",
       .options = joined(joined(std::move(own), marker_options()), writing_options("rtp-he", true)),
       .run = gen}};
}

}  // namespace lobo::app
