#include "demo_live_ring.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/capture/sink.hpp"
#include "adapters/packet_io/memory.hpp"
#include "base/bytes.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/importance.hpp"
#include "dataplane/marker.hpp"
#include "dataplane/radio/cell.hpp"
#include "dataplane/radio/conveyed.hpp"
#include "dataplane/radio/radio.hpp"
#include "dataplane/radio/rate_trace.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/rule_board.hpp"
#include "demo_live/clip.hpp"
#include "demo_live_path.hpp"
#include "live/live_marks.hpp"
#include "model/address.hpp"
#include "toolbox/depacketize.hpp"
#include "toolbox/mark_writer.hpp"
#include "toolbox/video.hpp"
#include "upf/handover.hpp"
#include "upf/keys.hpp"
#include "wire/capture/capture.hpp"
#include "wire/capture/writer.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/packet/build.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/rtp/annexb.hpp"
#include "wire/rtp/nal_unit.hpp"
#include "wire/rtp/packet.hpp"
#include "wire/xrm/receiver.hpp"

namespace lobo::app {
namespace {

using dataplane::Elapsed;

constexpr model::MacAddress server_mac{{0x02, 0, 0, 0, 6, 2}};
constexpr model::MacAddress n6_mac{{0x02, 0, 0, 0, 6, 1}};
constexpr model::MacAddress n3_mac{{0x02, 0, 0, 0, 3, 1}};
constexpr model::MacAddress gnb_mac{{0x02, 0, 0, 0, 3, 2}};
constexpr std::uint32_t the_ue = 0;
constexpr std::uint8_t payload_type = 96;
constexpr std::uint16_t sender_port = 5004;
constexpr std::size_t ring_frame_bytes = 2048;
constexpr Elapsed packet_gap = std::chrono::microseconds{10};  ///< within a picture
constexpr Elapsed time_step = std::chrono::milliseconds{100};  ///< where nothing happens
// 1 January 2026, so that the same seed gives the same captures.
constexpr std::chrono::nanoseconds begin_since_1970 = std::chrono::seconds{1'767'225'600};

model::IpAddress address(std::string_view text) { return model::parse_ip_address(text).value(); }
model::Ipv4Address ipv4(std::string_view text) { return model::Ipv4Address::parse(text).value(); }

dataplane::Neighbours neighbours() {
  return {{.mac = n3_mac,
           .v4 = ipv4(live_n3_address),
           .on_link = {{address("10.100.3.0"), 24}},
           .known = {{address(live_gnb_address), gnb_mac}}},
          {.mac = n6_mac,
           .v4 = ipv4(live_n6_address),
           .on_link = {{address("10.100.6.0"), 24}},
           .known = {{address(live_server_address), server_mac}}}};
}

packet::FlowKey video_flow() {
  auto flow = packet::flow_between(address(live_server_address), sender_port,
                                   address(live_ue_address), live_video_port);
  flow.protocol = packet::protocol_udp;
  return flow;
}

Elapsed in_time(std::int64_t ticks) {
  return std::chrono::nanoseconds(ticks * 1'000'000'000 / rtp_clock_hz);
}

}  // namespace

Result<FrameFile> FrameFile::create(const std::string& path) {
  auto sink = adapters::ByteSink::open(path);
  if (!sink) return fail(sink.error());
  return FrameFile(std::move(*sink));
}

FrameFile::FrameFile(adapters::ByteSink sink)
    : sink_(std::move(sink)), writer_(capture::Format::pcap_nanoseconds) {}

void FrameFile::add(Bytes frame, Elapsed at) {
  const auto written = writer_.packet({.time = begin_since_1970 + at,
                                       .link_type = capture::LinkType::ethernet,
                                       .original_length = static_cast<std::uint32_t>(frame.size()),
                                       .bytes = frame},
                                      sink_.room(frame.size() + capture::writer_room));
  if (!written) return;
  sink_.commit(*written);
  ++frames_;
}

MemoryRing::MemoryRing(dataplane::RuleBoard& rules, dataplane::WorkerEvents& events,
                       const dataplane::RadioConfig& radio)
    : rules_(rules),
      receiver_(xrm::ReceiverSettings{.accept = xrm::Accept::protected_only}),
      pipeline_({}, receiver_, events),
      neighbours_(neighbours()),
      radio_(radio),
      frame_(ring_frame_bytes),
      datagram_(ring_frame_bytes) {}

Result<std::unique_ptr<MemoryRing>> MemoryRing::create(const std::string& directory,
                                                       const std::string& key_file,
                                                       dataplane::RuleBoard& rules,
                                                       dataplane::WorkerEvents& events,
                                                       const dataplane::RadioConfig& radio) {
  std::unique_ptr<MemoryRing> made(new MemoryRing(rules, events, radio));
  Handover<KeyChange> change;
  Keys keys(key_file, {&change});
  if (auto read = keys.reload(); !read) return fail(read.error());
  if (KeyChange* const first = change.take_new()) first->apply(made->receiver_);
  for (auto* pair : {&made->n6_, &made->n3_}) {
    auto joined = adapters::packet_io::make_memory_pair({});
    if (!joined) return fail(joined.error());
    *pair = std::move(*joined);
  }
  for (const auto& [file, name] :
       {std::pair{&made->n6_file_, "/n6.pcap"}, {&made->n3_file_, "/n3.pcap"}}) {
    auto opened = FrameFile::create(directory + name);
    if (!opened) return fail(opened.error());
    file->emplace(std::move(*opened));
  }
  auto writer = MarkWriter::create({.carry = Carry::option, .key_file = key_file});
  if (!writer) return fail(writer.error());
  LiveSettings live{.marks = {.marker = {.codec = rtp::VideoCodec::h264},
                              .rules = {{.payload_type = payload_type,
                                         .treatment = dataplane::PayloadRule::Treatment::h264}}}};
  live.marks.marker.look_ahead = dataplane::LookAhead::pdu_set;
  made->marks_ =
      std::make_unique<LiveMarks>(std::move(*writer), live, [self = made.get()](Bytes frame) {
        self->n6_file_->add(frame, self->now_);
        std::vector<std::byte> copy(packet_io::headroom_min + frame.size() +
                                    packet_io::tailroom_min);
        std::ranges::copy(frame, copy.begin() + packet_io::headroom_min);
        const packet_io::Packet packet(copy, packet_io::headroom_min, frame.size(), {});
        // A ring that is full is emptied by a turn of the UPF.
        while (self->n6_.first->send(std::span(&packet, 1)) == 0) self->upf_turn();
      });
  return made;
}

void MemoryRing::set_cell(BitsPerSecond rate, const dataplane::CellConfig& cell) {
  radio_.set_rate(dataplane::RateTrace::constant(rate), now_, fates_);
  radio_.reconfigure(cell, now_, fates_);
  take_fates();
}

/// RFC 3550 clause 5.1 and RFC 6184, as a sender that knows nothing of marks.
void MemoryRing::send_picture(Bytes access_unit, std::uint32_t timestamp) {
  const auto flow = video_flow();
  rtp::AnnexBReader units(access_unit);
  for (auto unit = units.next(); unit;) {
    const auto following = units.next();
    rtp::packetize(
        rtp::VideoCodec::h264, *unit, clip_rtp_bytes_max - rtp::fixed_header_bytes,
        [&](Bytes header, Bytes body, bool last) {
          ByteWriter out(datagram_);
          out.u8(0x80);
          out.u8(static_cast<std::uint8_t>((last && !following ? 0x80U : 0U) | payload_type));
          out.be16(sequence_++);
          out.be32(timestamp);
          out.be32(ssrc_);
          out.bytes(header);
          out.bytes(body);
          const auto length = packet::build_udp_frame(
              frame_, {.destination = n6_mac, .source = server_mac}, flow, {}, out.written());
          if (length) marks_->push(Bytes(frame_).first(*length), now_);
          now_ += packet_gap;
        });
    unit = following;
  }
}

void MemoryRing::upf_turn() {
  while (n6_.second->receive(batch_) > 0) {
    const dataplane::Turn turn{.rules = rules_.take(),
                               .neighbours = neighbours_,
                               .now = now_,
                               .since_1970 = begin_since_1970 + now_};
    pipeline_.downlink(batch_, turn, out_);
    std::span<const packet_io::Packet> left = out_.n3.packets();
    while (!left.empty()) {
      left = left.subspan(n3_.first->send(left));
      gnb_turn();
    }
  }
  rules_.rest();
}

void MemoryRing::gnb_turn() {
  packet_io::Batch batch;
  while (n3_.second->receive(batch) > 0)
    for (const auto& packet : batch.packets()) {
      n3_file_->add(packet.bytes(), now_);
      const auto view = packet::parse_ethernet(packet.bytes());
      if (!view.whole_udp() || view.flow.destination_port != gtpu::udp_port) continue;
      const auto message = gtpu::parse_gtpu(view.user_data());
      if (!message.ok() || message.message_type != gtpu::message_g_pdu) continue;
      const Bytes inner = message.payload();
      packets_.emplace_back(inner.begin(), inner.end());
      radio_.downlink(the_ue, dataplane::read_conveyed(message, gtpu::Release::rel19),
                      packets_.size() - 1, static_cast<std::uint32_t>(inner.size()), now_, fates_);
      take_fates();
    }
}

void MemoryRing::take_fates() {
  for (const auto& fate : fates_) {
    auto& packet = packets_[fate.handle];
    if (!fate.dropped && receiver_side_) {
      const auto view = packet::parse_ip(packet);
      if (view.whole_udp())
        if (const auto rtp = rtp::parse_rtp(view.user_data()); rtp.ok())
          receiver_side_->packet(rtp);
    }
    packet = {};
  }
  fates_.clear();
}

void MemoryRing::advance_to(Elapsed time) {
  for (;;) {
    const auto next = radio_.next_at();
    if (!next || *next > time) break;
    now_ = std::max(now_, *next);
    radio_.advance(now_, fates_);
    take_fates();
  }
  now_ = std::max(now_, time);
  radio_.advance(now_, fates_);
  take_fates();
}

void MemoryRing::rest(Elapsed time) {
  const Elapsed until = now_ + time;
  while (now_ < until) advance_to(std::min(until, now_ + time_step));
}

Result<void> MemoryRing::send(const Clip& clip, const Arrived& arrived) {
  receiver_side_ = std::make_unique<Depacketizer>(rtp::VideoCodec::h264, arrived);
  clip.coded.bytes.rewind();
  const Elapsed begin = now_;
  const std::int64_t first = clip.coded.pictures.front().decoding;
  ++ssrc_;
  std::vector<std::byte> unit;
  for (const auto& picture : clip.coded.pictures) {
    unit.resize(picture.size);
    if (clip.coded.bytes.read(unit) != unit.size())
      return fail(Errc::internal, "the encoder's stream is shorter than its table of pictures");
    advance_to(std::max(now_, begin + in_time(picture.decoding - first)));
    send_picture(unit, static_cast<std::uint32_t>(picture.presentation));
    upf_turn();
  }
  marks_->finish(now_);
  upf_turn();
  while (radio_.packets() > 0) advance_to(now_ + time_step);
  receiver_side_->finish();
  receiver_side_.reset();
  return {};
}

Result<void> MemoryRing::close() {
  if (auto done = n6_file_->close(); !done) return done;
  return n3_file_->close();
}

}  // namespace lobo::app
