#pragma once
// Real video by ffmpeg: encoded by x264 or x265 into coded pictures with their times, and decoded
// again from whatever pictures are left. No NAL byte is ours.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "toolbox/program.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::app {

inline constexpr std::uint32_t rtp_clock_hz = 90000;
inline constexpr std::size_t coded_picture_bytes_max = std::size_t{64} << 20U;

struct EncodeSettings {
  rtp::VideoCodec codec = rtp::VideoCodec::h264;
  std::string input;                   ///< a video file; empty: the test picture
  std::string picture = "mandelbrot";  ///< a source of ffmpeg's lavfi that takes size and rate
  unsigned width = 1280;               ///< of the test picture; a file keeps its own
  unsigned height = 720;
  std::optional<unsigned> frames_per_second;  ///< none: a file's own, of the test picture 60
  double seconds = 10;
  unsigned kilobits_per_second = 12000;
  unsigned pictures_per_group = 60;  ///< from one IDR picture to the next
  unsigned b_pictures = 3;           ///< between two P pictures; the middle one is a reference
  unsigned slices = 1;               ///< of a picture
  std::uint32_t seed = 1;            ///< of the noise over the test picture
  std::string also_into;             ///< a file in NUT besides, for programs that send it
};

/// One access unit, as the encoder's byte stream has it. Times are in units of 1/90000 s.
struct CodedPicture {
  std::int64_t presentation = 0;
  std::int64_t decoding = 0;
  std::size_t size = 0;
};

/// Coded pictures in decoding order, on disk: their bytes follow one another in `bytes`.
struct CodedVideo {
  rtp::VideoCodec codec = rtp::VideoCodec::h264;
  std::vector<CodedPicture> pictures;
  ScratchFile bytes;
};

/// `progress` is told the share that is done, 0 … 1. The same settings give the same bytes on every
/// machine with the same encoder.
Result<CodedVideo> encode(const EncodeSettings& settings,
                          const std::function<void(double)>& progress = {});

/// Collects coded pictures for the decoder, each with its presentation time: those that arrived, in
/// decoding order.
class DecoderInput {
 public:
  static Result<DecoderInput> create(rtp::VideoCodec codec);
  /// False when the disk is full.
  bool add(std::int64_t presentation, Bytes access_unit);
  rtp::VideoCodec codec() const { return codec_; }
  std::size_t pictures() const { return pictures_; }
  const ScratchFile& file() const { return file_; }

 private:
  DecoderInput(rtp::VideoCodec codec, ScratchFile file) : codec_(codec), file_(std::move(file)) {}
  rtp::VideoCodec codec_;
  ScratchFile file_;
  std::size_t pictures_ = 0;
};

/// A decoded picture: its presentation time and its MD5.
struct PictureDigest {
  std::int64_t presentation = 0;
  std::string md5;
};
/// The pictures of an input of ffmpeg, in the order in which it gives them; `input` are its words
/// up to the name, `files` become descriptors 3, 4, ….
Result<std::vector<PictureDigest>> picture_digests(const std::vector<std::string>& input,
                                                   const std::vector<int>& files = {});

/// The MD5 of each decoded picture, by presentation time.
using DecodedPictures = std::map<std::int64_t, std::string>;

Result<DecodedPictures> decode(const DecoderInput& input);

/// PSNR, of two different inputs, in dB over the whole of `reference`; where `other` has no picture
/// the last one stands. 0 if nothing can be compared; `psnr_bit_exact` if there is no difference.
inline constexpr double psnr_bit_exact = 100;
Result<double> psnr(const DecoderInput& reference, const DecoderInput& other);

}  // namespace lobo::app
