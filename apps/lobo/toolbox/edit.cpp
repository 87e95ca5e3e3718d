#include "toolbox/edit.hpp"

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "toolbox/layers.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/edit.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/packet/checksum.hpp"
#include "wire/packet/edit.hpp"
#include "wire/packet/parse.hpp"

namespace lobo::app {
namespace {

constexpr std::size_t udp_length_at = 4;
constexpr std::size_t udp_checksum_at = 6;

/// The UDP checksum when `old_data` becomes `new_data` (RFC 1624). The length counts twice: in the
/// header and in the pseudo-header. None stays none.
std::uint16_t moved_checksum(std::uint16_t checksum, Bytes old_data, Bytes new_data) {
  if (checksum == 0) return 0;
  const auto inverted = [](std::uint16_t value) { return static_cast<std::uint16_t>(~value); };
  const auto length = [](Bytes data) {
    return static_cast<std::uint16_t>(data.size() + packet::udp_header_bytes);
  };
  std::uint16_t sum = inverted(checksum);
  sum = packet::ones_add(sum, inverted(packet::ones_sum(old_data)));
  sum = packet::ones_add(sum, packet::ones_sum(new_data));
  for (int twice = 0; twice < 2; ++twice) {
    sum = packet::ones_add(sum, inverted(length(old_data)));
    sum = packet::ones_add(sum, length(new_data));
  }
  const std::uint16_t moved = inverted(sum);
  return moved == 0 ? 0xFFFF : moved;
}

}  // namespace

std::size_t with_user_data(MutableBytes out, const packet::PacketView& view, Bytes user_data) {
  const Bytes old_data = view.user_data();
  const Bytes surplus = view.surplus();
  const std::size_t udp_length = packet::udp_header_bytes + user_data.size();
  if (view.jumbo || udp_length > 0xFFFF) return 0;
  if (!surplus.empty() && (user_data.size() - old_data.size()) % 2 != 0) return 0;
  ByteWriter writer(out);
  writer.bytes(view.frame.first(view.user_at()));
  writer.bytes(user_data);
  writer.bytes(view.frame.subspan(view.user_end));  // surplus area and padding of the link
  if (!writer.ok()) return 0;
  if (!packet::set_transport_length(out, view, udp_length + surplus.size())) return 0;
  const MutableBytes udp = out.subspan(view.transport_at);
  put_be16_at(udp, udp_length_at, static_cast<std::uint16_t>(udp_length));
  put_be16_at(udp, udp_checksum_at, moved_checksum(view.udp_checksum, old_data, user_data));
  return writer.position();
}

std::size_t InnerEditor::tunnelled(MutableBytes out, const Layers& layers, Bytes inner) {
  constexpr std::size_t length_at = 2;
  const auto& tunnel = layers.tunnel;
  const std::size_t length = tunnel.payload_at + inner.size() - gtpu::header_bytes;
  if (length > 0xFFFF) return 0;
  ByteWriter writer(message_);
  writer.bytes(tunnel.message.first(tunnel.payload_at));
  writer.bytes(inner);
  if (!writer.ok()) return 0;
  put_be16_at(message_, length_at, static_cast<std::uint16_t>(length));
  return with_message(out, layers, writer.position());
}

std::size_t InnerEditor::with_message(MutableBytes out, const Layers& layers, std::size_t size) {
  // What stands behind the message in the datagram belongs to nobody, and stays.
  ByteWriter writer(MutableBytes(message_).subspan(size));
  writer.bytes(layers.outer.user_data().subspan(layers.tunnel.message.size()));
  if (!writer.ok()) return 0;
  return with_user_data(out, layers.outer, Bytes(message_).first(size + writer.position()));
}

std::size_t InnerEditor::without_containers(MutableBytes out, const Layers& layers) {
  if (!layers.tunnelled) return 0;
  const std::size_t size = gtpu::write_without_marks(message_, layers.tunnel, gtpu::Release::rel19);
  return size == 0 ? 0 : with_message(out, layers, size);
}

}  // namespace lobo::app
