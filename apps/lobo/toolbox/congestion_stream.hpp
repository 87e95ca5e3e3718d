#pragma once
// The video of the congestion demo as the RTP packets that a sender would emit, each with its mark,
// all in memory.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/oracle.hpp"
#include "model/pdu_set.hpp"
#include "toolbox/video.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::app {

inline constexpr std::size_t congestion_payload_bytes = 1200;
/// The sender's own link: packets of a frame leave at this distance.
inline constexpr dataplane::Elapsed congestion_packet_gap = std::chrono::microseconds{10};

struct StreamPacket {
  std::uint32_t frame = 0;
  std::uint32_t datagram_at = 0;  ///< in Stream::datagrams: the user data of its UDP datagram
  std::uint32_t datagram_bytes = 0;
  std::uint32_t ip_bytes = 0;
  std::uint16_t sequence = 0;
  dataplane::Elapsed at{};  ///< when it reaches the bottleneck
  PduSetMark mark;
};

struct StreamUnit {    ///< a NAL unit
  std::size_t at = 0;  ///< in Stream::coded, header included
  std::size_t bytes = 0;
  std::uint32_t first_packet = 0;
  std::uint32_t packets = 0;
};

struct StreamFrame {  ///< in decoding order
  std::int64_t presentation = 0;
  std::uint32_t first_unit = 0;
  std::uint32_t units = 0;
  std::uint32_t first_packet = 0;
  std::uint32_t packets = 0;
  Psi psi;
};

struct Stream {
  rtp::VideoCodec codec = rtp::VideoCodec::h264;
  std::vector<std::byte> coded;
  std::vector<std::byte> datagrams;
  std::vector<StreamFrame> frames;
  std::vector<StreamUnit> units;
  std::vector<StreamPacket> packets;
  std::uint64_t ip_bytes = 0;

  BitsPerSecond rate() const;
  double frames_per_second() const;
  Bytes datagram(const StreamPacket& packet) const;
};

/// Cuts the coded pictures into RTP packets and marks them (TS 26.522 clause 4.2).
Result<Stream> stream_of(const CodedVideo& video);

/// The decoder's input of the units whose packets all arrived.
Result<DecoderInput> received(const Stream& stream, const std::vector<bool>& arrived);

/// The stream as the oracle wants it.
struct OracleView {
  std::vector<dataplane::OracleFrame> frames;
  std::vector<dataplane::OraclePdu> pdus;
};
OracleView oracle_view(const Stream& stream);

}  // namespace lobo::app
