#include "demo_live/clip.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "toolbox/video.hpp"

namespace lobo::app {
namespace {

constexpr std::size_t ip_udp_rtp_bytes = 20 + 8 + 12;
constexpr std::size_t fu_bytes = 2;  ///< RFC 6184 clause 5.8: indicator and header of a fragment

/// What a coded picture makes as IP packets.
std::uint64_t ip_bytes_of(std::size_t picture) {
  const std::size_t room = clip_rtp_bytes_max - 12 - fu_bytes;
  const std::size_t packets = (picture + room - 1) / room;
  return picture + packets * (ip_udp_rtp_bytes + fu_bytes);
}

}  // namespace

Result<Clip> make_clip(const ClipSettings& settings, const std::string& directory,
                       const std::function<void(double)>& progress) {
  const std::string file = directory + "/clip.nut";
  EncodeSettings encoding{.input = settings.video,
                          .width = settings.height * 16 / 9 / 2 * 2,
                          .height = settings.height,
                          .seconds = settings.seconds + clip_tail_seconds,
                          .kilobits_per_second = settings.kilobits_per_second,
                          .pictures_per_group = clip_pictures_per_group,
                          .seed = settings.seed,
                          .also_into = file};
  if (settings.video.empty()) encoding.frames_per_second = clip_pictures_per_second;
  auto coded = encode(encoding, progress);
  if (!coded) return fail(coded.error());
  Clip clip{.file = file, .coded = std::move(*coded)};

  auto all = picture_digests({"-copyts", "-i", clip.file});
  if (!all) return fail(all.error());
  if (all->size() < 2) return fail(Errc::refused, "there is one picture only");
  std::ranges::sort(*all, {}, &PictureDigest::presentation);
  const std::int64_t first = all->front().presentation;
  const std::int64_t last = all->back().presentation;
  clip.frames_per_second = static_cast<double>(all->size() - 1) * rtp_clock_hz /
                           static_cast<double>(std::max<std::int64_t>(1, last - first));
  clip.seconds_sent = static_cast<double>(all->size()) / clip.frames_per_second;
  const std::int64_t end =
      last -
      static_cast<std::int64_t>(std::min(clip_tail_seconds, clip.seconds_sent / 4) * rtp_clock_hz);
  for (auto& picture : *all)
    if (picture.presentation <= end) {
      clip.times.push_back(picture.presentation);
      clip.reference.push_back(std::move(picture));
    }
  std::uint64_t bytes = 0;
  for (const auto& picture : clip.coded.pictures) bytes += ip_bytes_of(picture.size);
  clip.rate = {static_cast<std::uint64_t>(static_cast<double>(bytes) * 8 / clip.seconds_sent)};
  return clip;
}

std::string session_description(const std::string& sender, unsigned port) {
  return fmt::format(
      "v=0\no=- 0 0 IN IP4 {0}\ns=lobo demo live\nc=IN IP4 {0}\nt=0 0\nm=video {1} RTP/AVP 96\n"
      "a=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1\n",
      sender, port);
}

}  // namespace lobo::app
