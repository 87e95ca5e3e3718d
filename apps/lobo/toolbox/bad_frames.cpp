#include "toolbox/bad_frames.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "model/address.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/packet/build.hpp"
#include "wire/packet/edit.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"
#include "wire/udp_options/surplus.hpp"

namespace lobo::app {
namespace {

constexpr std::uint16_t destination_port = 5004;
constexpr std::size_t frame_bytes_most = 2048;

unsigned digit(char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); }

packet::FlowKey flow_from(std::uint16_t source_port, std::uint16_t to) {
  const auto address = [](std::string_view text) { return *model::parse_ip_address(text); };
  return packet::flow_between(address("192.0.2.1"), source_port, address("198.51.100.2"), to);
}

ByteVector udp_frame(const packet::FlowKey& flow, const ByteVector& user) {
  ByteVector frame(frame_bytes_most);
  const auto size = packet::build_udp_frame(frame, {}, flow, {}, user);
  require(size.has_value());
  frame.resize(*size);
  return frame;
}

}  // namespace

ByteVector hex(std::string_view digits) {
  ByteVector bytes;
  unsigned high = 0;
  bool half = false;
  for (const char c : digits) {
    if (c == ' ') continue;
    if (half) bytes.push_back(static_cast<std::byte>(high << 4U | digit(c)));
    high = digit(c);
    half = !half;
  }
  return bytes;
}

ByteVector frame_of(const FrameOf& what) {
  ByteVector user = hex(what.extension.empty() ? "8060" : "9060");
  user.push_back(static_cast<std::byte>(what.sequence_number >> 8U));
  user.push_back(static_cast<std::byte>(what.sequence_number & 0xFFU));
  const auto more = [&](const ByteVector& bytes) {
    user.insert(user.end(), bytes.begin(), bytes.end());
  };
  more(hex("00000bb8 4c4f424f"));
  more(what.extension);
  more(hex("41 9a000102030405060708090a0b0c0d0e"));
  if (user.size() % 2 != (what.odd ? 1U : 0U)) user.push_back(std::byte{0x80});
  return udp_frame(flow_from(what.source_port, destination_port), user);
}

ByteVector with_raw_surplus(ByteVector frame, const ByteVector& bytes) {
  const auto view = packet::parse_ethernet(frame);
  require(view.whole_udp());
  const std::size_t transport = view.ip_end - view.transport_at + bytes.size();
  require(packet::set_transport_length(frame, view, transport));
  frame.insert(frame.end(), bytes.begin(), bytes.end());
  return frame;
}

ByteVector with_surplus(ByteVector frame, const ByteVector& options, Ocs ocs, std::byte pad) {
  const auto view = packet::parse_ethernet(frame);
  const bool odd = (view.user_end - view.transport_at) % 2 != 0;
  ByteVector area;
  if (odd) area.push_back(std::byte{});
  area.resize(area.size() + 2);
  area.insert(area.end(), options.begin(), options.end());
  const std::size_t at = odd ? 1 : 0;
  const std::uint16_t sum = udp_options::option_checksum(area, odd);
  if (ocs != Ocs::zero)
    put_be16_at(area, at, static_cast<std::uint16_t>(ocs == Ocs::right ? sum : sum ^ 0x0100U));
  if (odd) area[0] = pad;
  return with_raw_surplus(std::move(frame), area);
}

ByteVector xrm_option(const ByteVector& body) {
  ByteVector option = hex("7f005852");
  option.insert(option.end(), body.begin(), body.end());
  option[1] = static_cast<std::byte>(option.size());
  return option;
}

ByteVector in_tunnel(const ByteVector& frame, std::uint8_t first_extension,
                     const ByteVector& extensions) {
  const auto view = packet::parse_ethernet(frame);
  const Bytes inner = view.ip_packet();
  ByteVector message = hex("34ff 0000 00000001 000000");
  message.push_back(std::byte{first_extension});
  message.insert(message.end(), extensions.begin(), extensions.end());
  message.insert(message.end(), inner.begin(), inner.end());
  put_be16_at(message, 2, static_cast<std::uint16_t>(message.size() - gtpu::header_bytes));
  return udp_frame(flow_from(gtpu::udp_port, gtpu::udp_port), message);
}

}  // namespace lobo::app
