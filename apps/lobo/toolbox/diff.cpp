#include "toolbox/diff.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "adapters/capture/source.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "toolbox/depacketize.hpp"
#include "toolbox/layers.hpp"
#include "toolbox/progress.hpp"
#include "toolbox/video.hpp"
#include "wire/capture/capture.hpp"
#include "wire/packet/flow.hpp"
#include "wire/rtp/packet.hpp"

namespace lobo::app {
namespace {

/// The video of a capture: the first flow of RTP with a dynamic payload type, and one SSRC.
struct Stream {
  packet::FlowKey flow;
  std::uint32_t ssrc = 0;
  std::uint8_t payload_type = 0;
  bool operator==(const Stream&) const = default;
};

struct Picture {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};

/// What one capture has of the video. A picture costs some 100 bytes of memory, its packets none.
struct Video {
  std::optional<Stream> stream;
  std::map<std::int64_t, Picture> pictures;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::optional<DecoderInput> input;
  std::string ending;
};

constexpr std::uint8_t dynamic_payload_type_first = 96;

Result<Video> read_video(const std::string& path, const DiffSettings& settings,
                         std::optional<Stream> wanted) {
  auto source = adapters::CaptureSource::open(path);
  if (!source) return fail(source.error());
  Video video{.stream = wanted};
  if (settings.decode) {
    auto input = DecoderInput::create(settings.codec);
    if (!input) return fail(input.error());
    video.input = std::move(*input);
  }
  bool disk_full = false;
  Depacketizer depacketizer(settings.codec, [&](std::int64_t presentation, Bytes unit) {
    if (video.input && !video.input->add(presentation, unit)) disk_full = true;
  });
  Progress progress("read");
  Layers layers;
  while (const auto* item = source->next()) {
    progress.packet(*source);
    if (item->kind != capture::Item::Kind::packet) continue;
    take_apart(item->packet, layers);
    if (!layers.whole_udp()) continue;
    const auto rtp = rtp::parse_rtp(layers.inner.user_data());
    if (!rtp.ok() || rtp.payload_type < dynamic_payload_type_first) continue;
    const Stream here{layers.inner.flow, rtp.ssrc, rtp.payload_type};
    if (!video.stream) video.stream = here;
    if (*video.stream != here) continue;
    Picture& picture = video.pictures[depacketizer.packet(rtp)];
    const std::uint64_t bytes = layers.inner.ip_end - layers.inner.ip_at;
    ++picture.packets;
    picture.bytes += bytes;
    ++video.packets;
    video.bytes += bytes;
  }
  depacketizer.finish();
  if (disk_full) return fail(Errc::refused, "the temporary folder is full");
  video.ending = source->what_is_wrong();
  return video;
}

/// The times without a new bit-exact picture, beyond the time of one picture.
void freezes(const DecodedPictures& right, const DecodedPictures& got, Differences& result) {
  if (right.size() < 2) return;
  const double seconds_per_picture =
      static_cast<double>(right.rbegin()->first - right.begin()->first) / rtp_clock_hz /
      static_cast<double>(right.size() - 1);
  std::size_t run = 0;
  for (const auto& [time, digest] : right) {
    const auto found = got.find(time);
    const bool exact = found != got.end() && found->second == digest;
    run = exact ? 0 : run + 1;
    if (!exact) result.frozen_seconds += seconds_per_picture;
    result.longest_freeze_seconds =
        std::max(result.longest_freeze_seconds, static_cast<double>(run) * seconds_per_picture);
  }
}

Result<void> decode_both(const Video& reference, const Video& other, Differences& result) {
  const auto right = decode(*reference.input);
  if (!right) return fail(right.error());
  if (right->empty()) return fail(Errc::refused, "ffmpeg decodes nothing of the first capture");
  const auto got = decode(*other.input);
  if (!got) return fail(got.error());
  result.decoded = right->size();
  for (const auto& [time, digest] : *right) {
    const auto found = got->find(time);
    if (found == got->end()) continue;
    ++result.decodable;
    if (found->second != digest) continue;
    ++result.bit_exact;
    const auto picture = other.pictures.find(time);
    if (picture != other.pictures.end()) result.useful_bytes += picture->second.bytes;
  }
  freezes(*right, *got, result);
  if (got->empty()) return {};
  const auto db = psnr(*reference.input, *other.input);
  if (!db) return fail(db.error());
  result.psnr_db = *db;
  return {};
}

}  // namespace

Result<Differences> diff(const std::string& reference, const std::string& other,
                         const DiffSettings& settings) {
  const auto before = read_video(reference, settings, std::nullopt);
  if (!before) return fail(before.error());
  if (!before->stream)
    return fail(Errc::not_found, reference + " has no video in RTP (payload types 96 to 127)");
  const auto after = read_video(other, settings, before->stream);
  if (!after) return fail(after.error());

  Differences result{.packets = before->packets,
                     .bytes = before->bytes,
                     .pictures = before->pictures.size(),
                     .endings = before->ending};
  if (!after->ending.empty())
    result.endings += (result.endings.empty() ? "" : "\n") + after->ending;
  for (const auto& [time, picture] : after->pictures) {
    const auto found = before->pictures.find(time);
    const std::uint64_t due = found == before->pictures.end() ? 0 : found->second.packets;
    result.arrived += std::min(due, picture.packets);
    result.foreign += picture.packets - std::min(due, picture.packets);
    result.arrived_bytes += picture.bytes;
    if (due != 0 && picture.packets >= due) ++result.pictures_whole;
  }
  if (settings.decode)
    if (auto done = decode_both(*before, *after, result); !done) return fail(done.error());
  return result;
}

}  // namespace lobo::app
