#include "toolbox/seen_pictures.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "toolbox/congestion_run.hpp"
#include "toolbox/program.hpp"
#include "toolbox/video.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::app {
namespace {

// Small and grey is enough to tell a damaged picture from a good one, and quick.
constexpr std::size_t thumbnail_width = 160;
constexpr std::size_t thumbnail_height = 90;
constexpr std::size_t thumbnail_bytes = thumbnail_width * thumbnail_height;
constexpr std::size_t picture_bytes_max = std::size_t{64} << 20U;
constexpr std::size_t first_handed_fd = 3;

/// Runs ffmpeg over the source with `words` between input and output; what it wrote.
Result<std::vector<std::byte>> filtered(const PictureSource& source,
                                        const std::vector<std::string>& words) {
  auto output = ScratchFile::create();
  if (!output) return fail(output.error());
  ProgramCall call{.words = {"ffmpeg", "-nostdin", "-v", "fatal"},
                   .files = source.files,
                   .may_fail = true};  // where nothing decodes there is nothing to show
  const auto append = [&](const std::vector<std::string>& more) {
    call.words.insert(call.words.end(), more.begin(), more.end());
  };
  append(source.words);
  append({"-fps_mode", "passthrough"});
  append(words);
  append({fmt::format("pipe:{}", first_handed_fd + call.files.size())});
  call.files.push_back(output->fd());
  if (const auto done = run_program(call); !done) return fail(done.error());
  output->rewind();
  std::vector<std::byte> bytes(std::size_t{64} * 1024);
  std::size_t filled = 0;
  for (;;) {
    filled += output->read(MutableBytes(bytes).subspan(filled));
    if (filled < bytes.size()) break;
    if (bytes.size() >= picture_bytes_max) return fail(Errc::too_large, "a picture has no end");
    bytes.resize(bytes.size() * 2);
  }
  bytes.resize(filled);
  return bytes;
}

/// How well an instant shows what went wrong. Long after the last good picture the two have little
/// in common any more, and a picture that stands still looks well by itself.
struct Rank {
  bool recent = false;
  bool moves = false;
  double error = 0;
  auto operator<=>(const Rank&) const = default;
};
constexpr std::int64_t recent_ticks = std::int64_t{2} * rtp_clock_hz;  // two seconds

double mean_square_error(Bytes a, Bytes b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::to_integer<int>(a[i]) - std::to_integer<int>(b[i]);
    sum += difference * difference;
  }
  return sum / static_cast<double>(a.size());
}

}  // namespace

PictureSource source_of(const DecoderInput& input) {
  input.file().rewind();
  return {.words = {"-max_error_rate", "1", "-threads", "1", "-f", "ivf", "-c:v",
                    input.codec() == rtp::VideoCodec::h264 ? "h264" : "hevc", "-i", "pipe:3"},
          .files = {input.file().fd()}};
}

PictureSource source_of(const std::string& file) { return {.words = {"-i", file}}; }

Result<std::vector<std::byte>> thumbnails(const PictureSource& source) {
  return filtered(
      source,
      {"-vf", fmt::format("scale={}:{}:flags=area,format=gray", thumbnail_width, thumbnail_height),
       "-f", "rawvideo"});
}

std::optional<Instant> best_instant(std::span<const std::int64_t> times, const SeenRun& before,
                                    const SeenRun& after) {
  const auto nth = [](Bytes all, std::size_t n) {
    return all.subspan(n * thumbnail_bytes, thumbnail_bytes);
  };
  std::optional<Instant> best;
  Rank best_rank;
  std::int64_t last_exact = std::numeric_limits<std::int64_t>::min() / 2;
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (before.verdicts[i] == Verdict::exact) last_exact = times[i];
    if (after.verdicts[i] != Verdict::exact || before.verdicts[i] == Verdict::exact) continue;
    const auto shown = std::ranges::upper_bound(before.shown, times[i]);
    const auto good = std::ranges::lower_bound(after.shown, times[i]);
    if (shown == before.shown.begin() || good == after.shown.end()) continue;
    const auto at = static_cast<std::size_t>(shown - before.shown.begin()) - 1;
    const auto good_at = static_cast<std::size_t>(good - after.shown.begin());
    if ((at + 1) * thumbnail_bytes > before.thumbnails.size() ||
        (good_at + 1) * thumbnail_bytes > after.thumbnails.size())
      continue;
    const bool frozen = before.verdicts[i] == Verdict::lost;
    const double error =
        mean_square_error(nth(before.thumbnails, at), nth(after.thumbnails, good_at));
    const Rank rank{
        .recent = times[i] - last_exact <= recent_ticks, .moves = !frozen, .error = error};
    if (error <= 0 || rank <= best_rank) continue;
    best_rank = rank;
    best = Instant{.presentation = times[i],
                   .before_nth = at,
                   .after_nth = good_at,
                   .frozen = frozen,
                   .psnr_db = 10 * std::log10(255.0 * 255.0 / error)};
  }
  return best;
}

Result<std::vector<std::byte>> nth_picture(const PictureSource& source, std::size_t nth,
                                           PictureForm form) {
  std::vector<std::string> words{"-vf", fmt::format("select=eq(n\\,{})", nth), "-frames:v", "1"};
  if (form == PictureForm::png) {
    words.insert(words.end(), {"-c:v", "png"});
  } else {
    words[1] += ",scale=960:-2:flags=lanczos";
    words.insert(words.end(), {"-pix_fmt", "yuvj420p", "-c:v", "mjpeg", "-q:v", "3"});
  }
  words.insert(words.end(), {"-f", "image2pipe"});
  auto bytes = filtered(source, words);
  if (bytes && bytes->empty()) return fail(Errc::internal, "ffmpeg gave no picture");
  return bytes;
}

}  // namespace lobo::app
