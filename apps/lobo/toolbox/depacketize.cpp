#include "toolbox/depacketize.hpp"

#include <cstdint>

#include "toolbox/video.hpp"
#include "wire/rtp/annexb.hpp"
#include "wire/rtp/h264.hpp"
#include "wire/rtp/h265.hpp"
#include "wire/rtp/nal_unit.hpp"
#include "wire/rtp/packet.hpp"

namespace lobo::app {

std::int64_t Depacketizer::unwrapped(std::uint32_t timestamp) {
  if (!timestamp_) return timestamp;
  // B pictures go back in time: the step is signed.
  return presentation_ + static_cast<std::int32_t>(timestamp - *timestamp_);
}

std::int64_t Depacketizer::packet(const rtp::RtpView& packet) {
  const bool repeated = last_sequence_ && packet.sequence_number == *last_sequence_;
  if (timestamp_ && packet.timestamp != *timestamp_) end_picture();
  presentation_ = unwrapped(packet.timestamp);
  timestamp_ = packet.timestamp;
  if (repeated) return presentation_;
  const bool gap =
      last_sequence_ && static_cast<std::uint16_t>(*last_sequence_ + 1) != packet.sequence_number;
  last_sequence_ = packet.sequence_number;
  const auto take = [&](const rtp::NalPiece& one) { piece(one, gap); };
  // A payload that cannot be taken apart is lost to a decoder as well.
  if (codec_ == rtp::VideoCodec::h264)
    (void)rtp::h264::for_each_nal(packet.payload(), take);
  else
    (void)rtp::h265::for_each_nal(packet.payload(), take);
  return presentation_;
}

void Depacketizer::piece(const rtp::NalPiece& piece, bool gap) {
  if (unit_open_ && (piece.first || gap)) {
    picture_.resize(unit_begin_);  // its end never came
    unit_open_ = false;
  }
  if (!piece.first && !unit_open_) return;  // its beginning never came
  if (piece.first) {
    unit_begin_ = picture_.size();
    unit_open_ = true;
    picture_.insert(picture_.end(), rtp::annexb_start_code.begin(), rtp::annexb_start_code.end());
    picture_.insert(picture_.end(), piece.header.begin(),
                    piece.header.begin() + piece.header_length);
  }
  picture_.insert(picture_.end(), piece.body.begin(), piece.body.end());
  if (piece.last) unit_open_ = false;
  if (picture_.size() > coded_picture_bytes_max) {
    picture_.clear();
    unit_open_ = false;
  }
}

void Depacketizer::end_picture() {
  if (unit_open_) picture_.resize(unit_begin_);
  unit_open_ = false;
  if (!picture_.empty()) out_(presentation_, picture_);
  picture_.clear();
}

}  // namespace lobo::app
