#pragma once
// RTP packets back to coded pictures: the NAL units that arrived whole, by RTP timestamp, in the
// order of the packets.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "wire/rtp/nal_unit.hpp"
#include "wire/rtp/packet.hpp"

namespace lobo::app {

class Depacketizer {
 public:
  /// Called with the presentation time (the RTP timestamp, its turns counted) and the byte stream
  /// of each picture of which a unit is left.
  using Out = std::function<void(std::int64_t presentation, Bytes access_unit)>;

  Depacketizer(rtp::VideoCodec codec, Out out) : codec_(codec), out_(std::move(out)) {}

  /// The next packet of the stream; its picture's presentation time.
  std::int64_t packet(const rtp::RtpView& packet);
  void finish() { end_picture(); }

 private:
  void piece(const rtp::NalPiece& piece, bool gap);
  void end_picture();
  std::int64_t unwrapped(std::uint32_t timestamp);

  rtp::VideoCodec codec_;
  Out out_;
  std::vector<std::byte> picture_;
  std::size_t unit_begin_ = 0;  ///< of the unit that is being put together, in picture_
  bool unit_open_ = false;
  std::optional<std::uint16_t> last_sequence_;
  std::optional<std::uint32_t> timestamp_;
  std::int64_t presentation_ = 0;
};

}  // namespace lobo::app
