#pragma once
// `lobo pcap diff`: what of the video of one capture is left in another, packet by packet and
// picture by picture.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::app {

struct DiffSettings {
  rtp::VideoCodec codec = rtp::VideoCodec::h264;
  bool decode = false;
};

struct Differences {
  std::uint64_t packets = 0;  ///< of the reference's video
  std::uint64_t arrived = 0;  ///< of them in the other
  std::uint64_t foreign = 0;  ///< in the other only
  std::uint64_t bytes = 0;    ///< of IP packets
  std::uint64_t arrived_bytes = 0;
  std::size_t pictures = 0;        ///< coded, in the reference
  std::size_t pictures_whole = 0;  ///< all of whose packets arrived
  // With `decode`.
  std::size_t decoded = 0;    ///< pictures of the reference's decoder
  std::size_t decodable = 0;  ///< of them the other's decoder gave something for
  std::size_t bit_exact = 0;  ///< of them the same, bit by bit
  double frozen_seconds = 0;  ///< time without a new bit-exact picture, beyond one picture's
  double longest_freeze_seconds = 0;
  double psnr_db = 0;
  std::uint64_t useful_bytes = 0;  ///< arrived, of pictures that decode bit-exact
  std::string endings;             ///< what is wrong with the captures
};

Result<Differences> diff(const std::string& reference, const std::string& other,
                         const DiffSettings& settings);

}  // namespace lobo::app
