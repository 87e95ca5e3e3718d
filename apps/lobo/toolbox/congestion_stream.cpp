#include "toolbox/congestion_stream.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/marker.hpp"
#include "model/pdu_set.hpp"
#include "toolbox/video.hpp"
#include "wire/rtp/annexb.hpp"
#include "wire/rtp/packet.hpp"
#include "wire/rtp/pdu_set_marking.hpp"

namespace lobo::app {
namespace {

constexpr std::size_t ip_udp_bytes = 28;
constexpr std::uint8_t payload_type = 96;
constexpr std::uint8_t extension_id = 1;
constexpr std::uint32_t ssrc = 0x4C4F424F;
// One-byte form: the extension's own header, the element's, 8 bytes of marking, padding.
constexpr std::size_t extension_words = 3;
constexpr std::size_t extension_bytes = 4 + extension_words * 4;
constexpr std::size_t header_bytes = rtp::fixed_header_bytes + extension_bytes;

dataplane::Elapsed in_time(std::int64_t ticks) {
  return std::chrono::nanoseconds(ticks * 1'000'000'000 / rtp_clock_hz);
}

class Builder {
 public:
  explicit Builder(const CodedVideo& video) : marker_({.codec = video.codec}) {
    stream_.codec = video.codec;
  }

  void add(const CodedPicture& picture, Bytes access_unit, dataplane::Elapsed at) {
    StreamFrame frame{.presentation = picture.presentation,
                      .first_unit = static_cast<std::uint32_t>(stream_.units.size()),
                      .first_packet = static_cast<std::uint32_t>(stream_.packets.size())};
    rtp::AnnexBReader reader(access_unit);
    for (auto unit = reader.next(); unit;) {
      const auto following = reader.next();
      add_unit(*unit, picture, !following, at);
      unit = following;
      ++frame.units;
    }
    frame.packets = static_cast<std::uint32_t>(stream_.packets.size()) - frame.first_packet;
    stream_.frames.push_back(frame);
  }

  Stream finish() {
    marker_.finish([this](const PduSetMark& mark) { take_mark(mark); });
    for (auto& frame : stream_.frames)
      if (frame.packets > 0) frame.psi = stream_.packets[frame.first_packet].mark.psi;
    return std::move(stream_);
  }

 private:
  void add_unit(Bytes unit, const CodedPicture& picture, bool last_of_frame,
                dataplane::Elapsed at) {
    StreamUnit entry{.at = stream_.coded.size(),
                     .bytes = unit.size(),
                     .first_packet = static_cast<std::uint32_t>(stream_.packets.size())};
    stream_.coded.insert(stream_.coded.end(), unit.begin(), unit.end());
    rtp::packetize(stream_.codec, unit, congestion_payload_bytes,
                   [&](Bytes header, Bytes body, bool last) {
                     add_packet(header, body, picture, last && last_of_frame, at);
                   });
    entry.packets = static_cast<std::uint32_t>(stream_.packets.size()) - entry.first_packet;
    stream_.units.push_back(entry);
  }

  void add_packet(Bytes header, Bytes body, const CodedPicture& picture, bool marker,
                  dataplane::Elapsed at) {
    const std::size_t in_frame =
        stream_.packets.empty() || stream_.packets.back().frame != stream_.frames.size()
            ? 0
            : in_frame_ + 1;
    in_frame_ = in_frame;
    const std::size_t begin = stream_.datagrams.size();
    const std::size_t size = header_bytes + header.size() + body.size();
    stream_.datagrams.resize(begin + size);
    ByteWriter out(MutableBytes(stream_.datagrams).subspan(begin));
    const auto timestamp = static_cast<std::uint32_t>(picture.presentation);
    // RFC 3550 clause 5.1: version 2, an extension; RFC 8285 clause 4.2: its one-byte form.
    out.u8(0x90);
    out.u8(static_cast<std::uint8_t>((marker ? 0x80U : 0U) | payload_type));
    out.be16(sequence_);
    out.be32(timestamp);
    out.be32(ssrc);
    out.be16(0xBEDE);
    out.be16(extension_words);
    out.zeros(extension_words * 4);
    out.bytes(header);
    out.bytes(body);
    StreamPacket packet{.frame = static_cast<std::uint32_t>(stream_.frames.size()),
                        .datagram_at = static_cast<std::uint32_t>(begin),
                        .datagram_bytes = static_cast<std::uint32_t>(size),
                        .ip_bytes = static_cast<std::uint32_t>(size + ip_udp_bytes),
                        .sequence = sequence_++,
                        .at = at + congestion_packet_gap * in_frame};
    stream_.ip_bytes += packet.ip_bytes;
    stream_.packets.push_back(packet);
    marker_.offer({.rtp_timestamp = timestamp,
                   .marker = marker,
                   .payload = Bytes(stream_.datagrams).subspan(begin + header_bytes),
                   .bytes = packet.ip_bytes,
                   .at = packet.at},
                  [this](const PduSetMark& mark) { take_mark(mark); });
  }

  /// The marks come in the order of the packets, an access unit later.
  void take_mark(const PduSetMark& mark) {
    StreamPacket& packet = stream_.packets[marked_++];
    packet.mark = mark;
    ByteWriter out(
        MutableBytes(stream_.datagrams).subspan(packet.datagram_at + rtp::fixed_header_bytes + 4));
    out.u8(static_cast<std::uint8_t>(extension_id << 4U | (rtp::pdu_set_marking_bytes(mark) - 1)));
    rtp::write_pdu_set_marking(out, mark);
  }

  Stream stream_;
  dataplane::SetMarker marker_;
  std::size_t marked_ = 0;
  std::size_t in_frame_ = 0;
  std::uint16_t sequence_ = 0;
};

}  // namespace

double Stream::frames_per_second() const {
  if (frames.size() < 2) return 0;
  const auto [first, last] =
      std::ranges::minmax(frames | std::views::transform(&StreamFrame::presentation));
  return static_cast<double>(frames.size() - 1) * rtp_clock_hz /
         static_cast<double>(std::max<std::int64_t>(1, last - first));
}

BitsPerSecond Stream::rate() const {
  const double frames_shown = static_cast<double>(frames.size());
  return {static_cast<std::uint64_t>(static_cast<double>(ip_bytes) * 8 * frames_per_second() /
                                     frames_shown)};
}

Bytes Stream::datagram(const StreamPacket& packet) const {
  return Bytes(datagrams).subspan(packet.datagram_at, packet.datagram_bytes);
}

Result<Stream> stream_of(const CodedVideo& video) {
  Builder builder(video);
  video.bytes.rewind();
  std::vector<std::byte> access_unit;
  const std::int64_t begin = video.pictures.empty() ? 0 : video.pictures.front().decoding;
  for (const auto& picture : video.pictures) {
    access_unit.resize(picture.size);
    if (video.bytes.read(access_unit) != picture.size)
      return fail(Errc::internal, "the encoder's stream is shorter than its table of pictures");
    builder.add(picture, access_unit, in_time(picture.decoding - begin));
  }
  return builder.finish();
}

Result<DecoderInput> received(const Stream& stream, const std::vector<bool>& arrived) {
  auto input = DecoderInput::create(stream.codec);
  if (!input) return fail(input.error());
  std::vector<std::byte> access_unit;
  for (const auto& frame : stream.frames) {
    access_unit.clear();
    for (std::uint32_t u = 0; u < frame.units; ++u) {
      const auto& unit = stream.units[frame.first_unit + u];
      const auto begin = arrived.begin() + unit.first_packet;
      if (std::find(begin, begin + unit.packets, false) != begin + unit.packets) continue;
      access_unit.insert(access_unit.end(), rtp::annexb_start_code.begin(),
                         rtp::annexb_start_code.end());
      const auto bytes = Bytes(stream.coded).subspan(unit.at, unit.bytes);
      access_unit.insert(access_unit.end(), bytes.begin(), bytes.end());
    }
    if (!access_unit.empty() && !input->add(frame.presentation, access_unit))
      return fail(Errc::refused, "the temporary folder is full");
  }
  return input;
}

OracleView oracle_view(const Stream& stream) {
  OracleView view;
  view.frames.reserve(stream.frames.size());
  view.pdus.reserve(stream.packets.size());
  for (const auto& frame : stream.frames)
    view.frames.push_back({frame.psi, frame.first_packet, frame.packets});
  for (const auto& packet : stream.packets) view.pdus.push_back({packet.ip_bytes, packet.at});
  return view;
}

}  // namespace lobo::app
