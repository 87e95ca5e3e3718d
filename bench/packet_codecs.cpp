// The packet codecs next to named peers in the same process: GStreamer's reader of RTP header
// extensions, and loops over single bytes that do what the text says and no more.
//
//   packet_codecs                     Google Benchmark, all cases
//   packet_codecs count CASE TIMES    runs one case so often: for instruction counts
//
// Packets of 1,200 bytes of user data. A case goes over 512 of them, so that no branch is learnt by
// heart; its time divided by 512 is that of a packet.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "model/pdu_set.hpp"
#include "wire/gtpu/containers.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/packet/build.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"
#include "wire/rtp/edit.hpp"
#include "wire/rtp/packet.hpp"
#include "wire/rtp/pdu_set_marking.hpp"
#include "wire/rtp/registry.hpp"
#include "wire/udp_options/edit.hpp"
#include "wire/udp_options/surplus.hpp"

#ifdef LOBO_BENCH_GSTREAMER
#include <gst/gst.h>
#include <gst/rtp/gstrtpbuffer.h>
#endif

namespace lobo {
namespace {

constexpr std::size_t packets = 512;
constexpr std::size_t headroom = 128;

struct Frame {
  std::vector<std::byte> room;  // headroom, frame, tailroom
  std::size_t length = 0;
  Bytes bytes() const { return Bytes(room).subspan(headroom, length); }
  MutableBytes writable() { return MutableBytes(room).subspan(headroom); }
};

PduSetMark mark_of(std::size_t i) {
  return {.end_of_pdu_set = i % 25 == 24,
          .psi = Psi::low_bits_of(static_cast<std::uint32_t>(1 + i % 8)),
          .pssn = Pssn::wrapped(i / 25),
          .psn = Psn::wrapped(i % 25),
          .pdu_set_size = 30000,
          .pdus_in_set = std::uint16_t{25}};
}

// RTP with the marking in its extension, over IPv4; `extra` bytes make the lengths odd or even.
Frame frame_of(std::size_t i, std::size_t extra) {
  std::vector<std::byte> plain(12 + 1172 + extra, std::byte{0x5A});
  ByteWriter head(plain);
  head.u8(0x80);
  head.u8(96);
  head.be16(static_cast<std::uint16_t>(i));
  head.be32(static_cast<std::uint32_t>(3000 * (i / 25)));
  head.be32(0x11223344);
  std::array<std::byte, 8> value{};
  ByteWriter out(value);
  rtp::write_pdu_set_marking(out, mark_of(i));
  std::vector<std::byte> rtp_packet(1400);
  const auto length = rtp::write_with_element(rtp_packet, rtp::parse_rtp(plain), {1, value}, {});
  require(length.has_value());
  const packet::FlowKey flow{.source_low = 0x0A000001,
                             .destination_low = 0x0A2D0000 + i % 64,
                             .source_port = 4000,
                             .destination_port = static_cast<std::uint16_t>(5004 + i % 7),
                             .protocol = packet::protocol_udp,
                             .ip_version = 4};
  Frame frame;
  frame.room.resize(headroom + 1600);
  const auto total =
      packet::build_udp_frame(frame.writable(), {}, flow, {}, Bytes(rtp_packet).first(*length));
  require(total.has_value());
  frame.length = *total;
  return frame;
}

// 24 bytes of surplus: the clear option with all fields; 46: the size of a protected one.
Frame with_options(Frame frame, std::size_t surplus_bytes) {
  std::vector<std::byte> value(surplus_bytes - 2 - 4 - (surplus_bytes == 24 ? 2 : 0),
                               std::byte{0x33});
  std::array<std::byte, 64> room{};
  ByteWriter out(room);
  udp_options::write_experiment(out, 0x5852, value);
  if (surplus_bytes == 24) out.zeros(2);  // EOL and filling
  const auto length =
      udp_options::insert(frame.writable(), packet::parse_ethernet(frame.bytes()), out.written());
  require(length.has_value());
  frame.length = *length;
  return frame;
}

struct World {
  std::vector<Frame> rtp;
  std::map<std::string, std::vector<Frame>> options;
  rtp::ExtensionRegistry registry;
};

World make_world() {
  World world;
  require(world.registry.bind(1, rtp::pdu_set_marking_urn));
  for (std::size_t i = 0; i < packets; ++i) {
    world.rtp.push_back(frame_of(i, 0));
    for (const std::size_t bytes : {24U, 46U}) {
      world.options[std::to_string(bytes) + "_even"].push_back(with_options(frame_of(i, 0), bytes));
      world.options[std::to_string(bytes) + "_odd"].push_back(with_options(frame_of(i, 1), bytes));
    }
  }
  return world;
}

// ---- peers
// ----------------------------------------------------------------------------------------

// Byte by byte, 16-bit words, no table: OCS and the list of options as the text says.
struct NaiveOptions {
  bool held = false;
  unsigned count = 0;
};
NaiveOptions naive_options(Bytes area, bool odd) {
  const std::size_t pad = odd ? 1 : 0;
  std::uint32_t sum = static_cast<std::uint32_t>(area.size());
  for (std::size_t i = pad; i < area.size(); ++i) {
    const bool high = (i - pad) % 2 == 0;
    sum += std::to_integer<std::uint32_t>(area[i]) << (high ? 8U : 0U);
  }
  while (sum > 0xFFFF) sum = (sum & 0xFFFFU) + (sum >> 16U);
  NaiveOptions out{.held = sum == 0xFFFF};
  for (std::size_t at = pad + 2; at < area.size();) {
    const auto kind = std::to_integer<unsigned>(area[at]);
    if (kind == 0) break;
    if (kind == 1) {
      ++at;
      continue;
    }
    if (at + 1 >= area.size()) break;
    const auto length = std::to_integer<std::size_t>(area[at + 1]);
    if (length < 2 || at + length > area.size()) break;
    ++out.count;
    at += length;
  }
  return out;
}

#ifdef LOBO_BENCH_GSTREAMER
// One GstBuffer a packet around the same bytes, made beforehand: what an element is handed.
std::vector<GstBuffer*> gst_buffers(const World& world) {
  gst_init(nullptr, nullptr);
  std::vector<GstBuffer*> buffers;
  for (const Frame& frame : world.rtp) {
    const Bytes data = packet::parse_ethernet(frame.bytes()).user_data();
    buffers.push_back(gst_buffer_new_memdup(data.data(), data.size()));
  }
  return buffers;
}
#endif

// ---- cases
// ----------------------------------------------------------------------------------------

/// Works on all packets once: a batch, as the data plane does, so that one indirect call is shared.
using Case = std::function<void()>;

/// `work` takes the number of a packet; what it gives back keeps it from being removed.
template <class Work>
Case each(Work work) {
  return [work] {
    for (std::size_t i = 0; i < packets; ++i) {
      auto result = work(i);
      benchmark::DoNotOptimize(result);
    }
  };
}

std::map<std::string, Case> cases(World& world) {
  std::map<std::string, Case> all;
  all["parse_flow"] = each([&](std::size_t i) {
    return packet::flow_hash(packet::parse_ethernet(world.rtp[i].bytes()).flow, 1);
  });
  all["parse_flow_rtp"] = each([&](std::size_t i) {
    const auto view = packet::parse_ethernet(world.rtp[i].bytes());
    PduSetMark mark;
    const auto from = world.registry.read(rtp::parse_rtp(view.user_data()), mark);
    return packet::flow_hash(view.flow, 1) + mark.pssn.value() + static_cast<std::uint64_t>(from);
  });
  all["rtp_mark"] = each([&](std::size_t i) -> std::uint64_t {
    PduSetMark mark;
    const auto from = world.registry.read(rtp::parse_rtp(world.rtp[i].bytes().subspan(42)), mark);
    return mark.pssn.value() + static_cast<std::uint64_t>(from);
  });
  for (const auto& [name, frames] : world.options) {
    const bool odd = name.ends_with("odd");
    all["options_" + name] = each([&frames, odd](std::size_t i) -> std::uint64_t {
      const Bytes frame = frames[i].bytes();
      const std::size_t at = 14 + 20 + be16_at(frame, 38);
      const auto surplus =
          udp_options::read_surplus(frame.subspan(at), {.odd = odd, .udp_checksum = 1});
      return surplus.count + static_cast<std::uint64_t>(surplus.verdict);
    });
    all["options_" + name + "_naive"] = each([&frames, odd](std::size_t i) -> std::uint64_t {
      const Bytes frame = frames[i].bytes();
      const std::size_t at = 14 + 20 + be16_at(frame, 38);
      const NaiveOptions read = naive_options(frame.subspan(at), odd);
      return read.count + (read.held ? 0 : 100);
    });
  }
  all["gtpu_encapsulate"] = each([&](std::size_t i) {
    std::array<std::byte, 16> session_room;
    std::array<std::byte, 16> set_room;
    ByteWriter session(session_room);
    ByteWriter set(set_room);
    gtpu::write_dl_session(session, {.qfi = 9}, gtpu::Release::rel19);
    gtpu::write_pdu_set_information(set, 9, mark_of(i));
    const std::array<gtpu::Extension, 2> chain{
        {{gtpu::type_pdu_session_container, session.written()},
         {gtpu::type_pdu_set_information, set.written()}}};
    Frame& frame = world.rtp[i];
    return gtpu::encapsulate(MutableBytes(frame.room).first(headroom + frame.length), headroom - 14,
                             1, chain)
        .value_or(0);
  });
#ifdef LOBO_BENCH_GSTREAMER
  all["rtp_mark_gstreamer"] = each([buffers = gst_buffers(world)](std::size_t i) -> std::uint64_t {
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    gpointer data = nullptr;
    guint size = 0;
    PduSetMark mark;
    if (gst_rtp_buffer_map(buffers[i], GST_MAP_READ, &rtp) == FALSE) return 0;
    if (gst_rtp_buffer_get_extension_onebyte_header(&rtp, 1, 0, &data, &size) != FALSE)
      (void)rtp::read_pdu_set_marking({static_cast<const std::byte*>(data), size}, mark);
    gst_rtp_buffer_unmap(&rtp);
    return mark.pssn.value();
  });
#endif
  return all;
}

int count_case(const std::map<std::string, Case>& all, std::string_view name, std::size_t times) {
  const auto found = all.find(std::string(name));
  if (found == all.end()) return 2;
  for (std::size_t i = 0; i < times; ++i) found->second();
  return 0;
}

int run(int argc, char** argv) {
  World world = make_world();
  const auto all = cases(world);
  if (argc == 4 && std::string_view(argv[1]) == "count")
    return count_case(all, argv[2], std::strtoul(argv[3], nullptr, 10));
  for (const auto& [name, work] : all) {
    benchmark::RegisterBenchmark(name.c_str(), [&work = work](benchmark::State& state) {
      for (auto _ : state) work();
      state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(packets));
    });
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace lobo

int main(int argc, char** argv) { return lobo::run(argc, argv); }
