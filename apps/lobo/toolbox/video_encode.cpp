#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/text.hpp"
#include "toolbox/program.hpp"
#include "toolbox/video.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::app {
namespace {

// One thread: with more, rate control counts what the others have written so far, and the bytes
// depend on who was first.
constexpr unsigned encoder_threads = 1;

constexpr unsigned test_picture_frames_per_second = 60;

std::vector<std::string> source_words(const EncodeSettings& settings) {
  if (!settings.input.empty())
    return {"-i", settings.input, "-t", fmt::format("{:.3f}", settings.seconds)};
  // Noise keeps the rate up where the picture is calm, as a camera does.
  return {"-f",
          "lavfi",
          "-i",
          fmt::format("{}=size={}x{}:rate={},noise=alls=8:allf=t:all_seed={}", settings.picture,
                      settings.width, settings.height,
                      settings.frames_per_second.value_or(test_picture_frames_per_second),
                      settings.seed),
          "-t",
          fmt::format("{:.3f}", settings.seconds)};
}

std::vector<std::string> encoder_words(const EncodeSettings& settings) {
  const auto rate = fmt::format("{}k", settings.kilobits_per_second);
  const auto group = fmt::format("{}", settings.pictures_per_group);
  std::vector<std::string> words{"-pix_fmt", "yuv420p",
                                 "-preset",  "veryfast",
                                 "-b:v",     rate,
                                 "-maxrate", rate,
                                 "-bufsize", fmt::format("{}k", settings.kilobits_per_second / 2),
                                 "-g",       group,
                                 "-bf",      fmt::format("{}", settings.b_pictures)};
  if (settings.frames_per_second)
    words.insert(words.end(), {"-r", fmt::format("{}", *settings.frames_per_second)});
  // Colour of half the resolution wants even sizes: a file's last odd column and row go.
  if (!settings.input.empty())
    words.insert(words.end(), {"-vf", "crop=iw-mod(iw\\,2):ih-mod(ih\\,2)"});
  if (settings.codec == rtp::VideoCodec::h264) {
    words.insert(words.end(),
                 {"-c:v", "libx264", "-x264-params",
                  fmt::format("b-pyramid=normal:scenecut=0:open-gop=0:threads={}:slices={}",
                              encoder_threads, settings.slices)});
  } else {
    words.insert(words.end(),
                 {"-c:v", "libx265", "-x265-params",
                  fmt::format("log-level=error:b-pyramid=1:scenecut=0:open-gop=0:keyint={}:"
                              "min-keyint={}:frame-threads={}:slices={}:repeat-headers=1",
                              group, group, encoder_threads, settings.slices)});
  }
  return words;
}

std::int64_t number(std::string_view text) {
  const auto digits = trim(text);
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

/// What the muxer "framecrc" wrote: a comment "#tb 0: 1/60", then "stream, dts, pts, duration,
/// size, …" for each coded picture.
std::vector<CodedPicture> pictures_of(std::string_view text) {
  std::vector<CodedPicture> pictures;
  std::int64_t numerator = 1;
  std::int64_t denominator = rtp_clock_hz;
  for (const auto line : split(text, '\n')) {
    if (line.starts_with("#tb")) {
      const auto base = split(line.substr(line.find(':') + 1), '/');
      if (base.size() == 2) {
        numerator = number(base[0]);
        denominator = std::max<std::int64_t>(1, number(base[1]));
      }
    }
    const auto fields = split(line, ',');
    if (line.starts_with('#') || fields.size() < 5) continue;
    const auto in_clock = [&](std::string_view ticks) {
      return number(ticks) * numerator * rtp_clock_hz / denominator;
    };
    pictures.push_back({.presentation = in_clock(fields[2]),
                        .decoding = in_clock(fields[1]),
                        .size = static_cast<std::size_t>(number(fields[4]))});
  }
  return pictures;
}

std::string all_of(const ScratchFile& file) {
  file.rewind();
  std::string text;
  std::array<std::byte, 65536> piece{};
  for (;;) {
    const auto size = file.read(piece);
    if (size == 0) return text;
    for (const std::byte b : std::span(piece).first(size)) text += std::to_integer<char>(b);
  }
}

}  // namespace

Result<CodedVideo> encode(const EncodeSettings& settings,
                          const std::function<void(double)>& progress) {
  auto bytes = ScratchFile::create();
  if (!bytes) return fail(bytes.error());
  auto table = ScratchFile::create();
  if (!table) return fail(table.error());

  std::vector<std::string> words{"ffmpeg", "-v", "error", "-nostdin", "-progress", "pipe:1"};
  const auto append = [&](const std::vector<std::string>& more) {
    words.insert(words.end(), more.begin(), more.end());
  };
  append(source_words(settings));
  append({"-map", "0:v:0"});
  append(encoder_words(settings));
  const bool h264 = settings.codec == rtp::VideoCodec::h264;
  auto outputs = fmt::format("[f={}]pipe:3|[f=framecrc]pipe:4", h264 ? "h264" : "hevc");
  // NUT keeps the byte stream as it is, parameter sets before each IDR picture, and its times.
  if (!settings.also_into.empty()) outputs += "|[f=nut]" + settings.also_into;
  append({"-y", "-f", "tee", outputs});
  const auto done = run_program(
      {.words = words, .files = {bytes->fd(), table->fd()}, .on_line = [&](std::string_view line) {
         constexpr std::string_view time = "out_time_us=";
         if (progress && line.starts_with(time))
           progress(static_cast<double>(number(line.substr(time.size()))) / 1e6 / settings.seconds);
       }});
  if (!done) return fail(done.error());

  auto pictures = pictures_of(all_of(*table));
  if (pictures.empty()) return fail(Errc::refused, "ffmpeg gave no picture");
  if (std::ranges::any_of(pictures, [](const CodedPicture& picture) {
        return picture.size == 0 || picture.size > coded_picture_bytes_max;
      }))
    return fail(Errc::too_large, "ffmpeg gave a coded picture of a size that none has");
  bytes->rewind();
  return CodedVideo{
      .codec = settings.codec, .pictures = std::move(pictures), .bytes = std::move(*bytes)};
}

}  // namespace lobo::app
