#include "toolbox/generate.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "adapters/capture/sink.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/importance.hpp"
#include "model/address.hpp"
#include "toolbox/edit.hpp"
#include "toolbox/mark_stream.hpp"
#include "toolbox/mark_writer.hpp"
#include "toolbox/packet_marker.hpp"
#include "toolbox/progress.hpp"
#include "toolbox/video.hpp"
#include "wire/capture/capture.hpp"
#include "wire/capture/writer.hpp"
#include "wire/packet/build.hpp"
#include "wire/packet/flow.hpp"
#include "wire/rtp/annexb.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::app {
namespace {

constexpr std::uint32_t ssrc_base = 0x4C4F424F;
constexpr std::uint16_t first_sequence_number = 1;

Result<packet::FlowKey> flow_of(const GenerateSettings& settings) {
  const auto source = model::parse_ip_address(settings.source);
  const auto destination = model::parse_ip_address(settings.destination);
  if (!source || !destination || source->index() != destination->index())
    return fail(Errc::malformed,
                fmt::format("'{}' and '{}' are not two addresses of one IP version",
                            settings.source, settings.destination));
  return packet::flow_between(*source, settings.source_port, *destination,
                              settings.destination_port);
}

/// Pictures to frames, one after the other.
class Packetizer {
 public:
  Packetizer(const GenerateSettings& settings, const packet::FlowKey& flow, MarkStream& out)
      : settings_(settings),
        flow_(flow),
        out_(out),
        aggregate_(frame_room),
        user_(frame_room),
        frame_(frame_room) {
    if (settings.vlan != 0) vlan_[0].control = settings.vlan;
  }

  Result<void> picture(const CodedPicture& picture, Bytes stream, std::chrono::nanoseconds at) {
    // A unit's last payload has the marker where the unit is the last of its picture.
    rtp::AnnexBReader units(stream);
    auto unit = units.next();
    while (unit) {
      together_.assign(1, *unit);
      unit = units.next();
      while (settings_.aggregate && unit && joins(*unit)) {
        together_.push_back(*unit);
        unit = units.next();
      }
      bool fits = true;
      const auto one = [&](Bytes header, Bytes body, bool last) {
        fits = fits && send(picture, header, body, last && !unit, at);
        at += settings_.spacing;
      };
      if (together_.size() == 1) {
        rtp::packetize(settings_.video.codec, together_.front(), settings_.payload_bytes, one);
      } else {
        ByteWriter payload(aggregate_);
        rtp::aggregate(settings_.video.codec, together_, payload);
        one({}, payload.written(), true);
      }
      if (!fits) return fail(Errc::too_large, "a packet does not fit an IP packet");
    }
    return {};
  }

  std::uint64_t packets() const { return packets_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  /// Whether one more unit fits a payload with those that are together already.
  bool joins(Bytes unit) const {
    return rtp::aggregate_bytes(settings_.video.codec, together_) + 2 + unit.size() <=
           settings_.payload_bytes;
  }

  bool send(const CodedPicture& picture, Bytes header, Bytes body, bool marker,
            std::chrono::nanoseconds at) {
    ByteWriter user(user_);
    user.u8(0x80);
    user.u8(static_cast<std::uint8_t>((marker ? 0x80U : 0U) | settings_.payload_type));
    user.be16(sequence_number_++);
    user.be32(static_cast<std::uint32_t>(picture.presentation));
    user.be32(ssrc_base ^ settings_.video.seed);
    user.bytes(header);
    user.bytes(body);
    packet::EthernetFields link;
    if (settings_.vlan != 0) link.vlans = vlan_;
    const auto size = packet::build_udp_frame(frame_, link, flow_,
                                              {.identification = sequence_number_}, user.written());
    if (!size) return false;
    const Bytes frame = Bytes(frame_).first(*size);
    ++packets_;
    bytes_ += *size;
    out_.push({.kind = capture::Item::Kind::packet,
               .raw = frame,
               .packet = {.time = at,
                          .link_type = capture::LinkType::ethernet,
                          .original_length = static_cast<std::uint32_t>(*size),
                          .bytes = frame}});
    return true;
  }

  const GenerateSettings& settings_;
  packet::FlowKey flow_;
  MarkStream& out_;
  std::array<packet::VlanTag, 1> vlan_{};
  std::vector<Bytes> together_;
  std::vector<std::byte> aggregate_;
  std::vector<std::byte> user_;
  std::vector<std::byte> frame_;
  std::uint16_t sequence_number_ = first_sequence_number;
  std::uint64_t packets_ = 0;
  std::uint64_t bytes_ = 0;
};

MarkSettings mark_settings(const GenerateSettings& settings) {
  using Treatment = dataplane::PayloadRule::Treatment;
  MarkSettings marks{
      .marker = settings.marker,
      .old_marks = {.extension_id = settings.marks.extension_id, .kind = settings.marks.option}};
  marks.marker.codec = settings.video.codec;
  if (settings.marks.carry != Carry::none)
    marks.rules.push_back({.payload_type = settings.payload_type,
                           .treatment = settings.video.codec == rtp::VideoCodec::h264
                                            ? Treatment::h264
                                            : Treatment::h265});
  return marks;
}

}  // namespace

Result<Generated> generate(const GenerateSettings& settings, adapters::ByteSink& out) {
  const auto flow = flow_of(settings);
  if (!flow) return fail(flow.error());
  auto marks = MarkWriter::create(settings.marks);
  if (!marks) return fail(marks.error());
  Progress progress("encode");
  const auto video = encode(settings.video, [&](double done) { progress.share(done); });
  if (!video) return fail(video.error());

  capture::Writer writer(settings.format);
  Result<void> written;
  MarkStream stream(
      std::move(*marks), mark_settings(settings), [&](const capture::Item& item, Bytes changed) {
        auto packet = item.packet;
        if (!changed.empty()) packet.bytes = changed;
        packet.original_length = static_cast<std::uint32_t>(packet.bytes.size());
        const auto size =
            writer.packet(packet, out.room(packet.bytes.size() + capture::writer_room));
        if (size)
          out.commit(*size);
        else
          written = fail(size.error());
      });
  Packetizer packetizer(settings, *flow, stream);
  std::vector<std::byte> unit;
  const std::int64_t first = video->pictures.front().decoding;
  for (const auto& picture : video->pictures) {
    unit.resize(picture.size);
    if (video->bytes.read(unit) != unit.size())
      return fail(Errc::internal, "ffmpeg's pictures and its table of them differ");
    constexpr std::int64_t second_ns = 1'000'000'000;
    const std::chrono::nanoseconds since((picture.decoding - first) * second_ns / rtp_clock_hz);
    if (auto sent = packetizer.picture(picture, unit, settings.begin + since); !sent)
      return fail(sent.error());
    if (!written) return fail(written.error());
  }
  stream.finish();
  if (!written) return fail(written.error());
  if (auto done = out.close(); !done) return fail(done.error());
  return Generated{.pictures = video->pictures.size(),
                   .packets = packetizer.packets(),
                   .bytes = packetizer.bytes(),
                   .marks = stream.tallies()};
}

}  // namespace lobo::app
