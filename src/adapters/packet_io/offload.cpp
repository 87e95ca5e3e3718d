#include "adapters/packet_io/offload.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "wire/packet/checksum.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::adapters::packet_io {
namespace {

using lobo::packet_io::Counters;
using lobo::packet_io::DropReason;
using lobo::packet_io::Packet;

constexpr std::size_t mac_addresses_bytes = 12;
constexpr std::uint8_t protocol_tcp = 6;
constexpr std::size_t udp_checksum_at = 6;
constexpr std::size_t tcp_checksum_at = 16;
constexpr std::size_t tcp_header_bytes_min = 20;

/// Where the checksum of UDP or TCP counts and stands.
struct Covered {
  std::size_t from = 0;
  std::size_t size = 0;
  std::size_t checksum_at = 0;  ///< in the frame
  std::uint16_t pseudo_sum = 0;
};

std::uint16_t folded(std::uint64_t sum) {
  while (sum >> 16U != 0) sum = (sum & 0xFFFFU) + (sum >> 16U);
  return static_cast<std::uint16_t>(sum);
}

std::uint64_t words(std::uint64_t number) {
  return (number >> 48U) + (number >> 32U & 0xFFFFU) + (number >> 16U & 0xFFFFU) +
         (number & 0xFFFFU);
}

std::optional<Covered> covered(Bytes frame) {
  const auto view = packet::parse_ethernet(frame);
  if (!view.has_ip() || !view.fragment.whole()) return std::nullopt;
  Covered found{.from = view.transport_at};
  if (view.whole_udp() && !view.jumbo) {
    found.size = view.user_end - view.transport_at;
    found.checksum_at = found.from + udp_checksum_at;
  } else if (view.unread == packet::Unread::not_udp && view.flow.protocol == protocol_tcp &&
             view.ip_end - view.transport_at >= tcp_header_bytes_min) {
    found.size = view.ip_end - view.transport_at;
    found.checksum_at = found.from + tcp_checksum_at;
  } else {
    return std::nullopt;
  }
  const auto& flow = view.flow;
  found.pseudo_sum =
      folded(words(flow.source_high) + words(flow.source_low) + words(flow.destination_high) +
             words(flow.destination_low) + flow.protocol + words(found.size));
  return found;
}

/// With the pseudo-header's sum standing in the checksum's place (RFC 1071); 0 means "none" in UDP,
/// and 0xFFFF is as good everywhere.
void complete(MutableBytes frame, std::size_t from, std::size_t size, std::size_t at) {
  const auto checksum = packet::internet_checksum(frame.subspan(from, size));
  put_be16_at(frame, at, checksum == 0 ? std::uint16_t{0xFFFF} : checksum);
}

bool complete_checksum(MutableBytes frame, const Beside& beside) {
  if (beside.checksum_from == 0) return fill_checksum(frame);
  const std::size_t from = beside.checksum_from;
  const std::size_t at = from + beside.checksum_at;
  if (at + 2 > frame.size()) return false;
  complete(frame, from, frame.size() - from, at);
  return true;
}

}  // namespace

bool fill_checksum(MutableBytes frame) {
  const auto found = covered(frame);
  if (!found) return false;
  put_be16_at(frame, found->checksum_at, found->pseudo_sum);
  complete(frame, found->from, found->size, found->checksum_at);
  return true;
}

bool checksum_looks_open(Bytes frame) {
  const auto found = covered(frame);
  return found && be16_at(frame, found->checksum_at) == found->pseudo_sum;
}

std::optional<DropReason> finish(Packet& packet, const Beside& beside, Counters& counters) {
  if (beside.aggregated) return DropReason::aggregated;
  // Before the tag goes back in: the kernel counts from the frame without it.
  if (beside.checksum_open) {
    if (!complete_checksum(packet.bytes(), beside)) return DropReason::checksum;
    ++counters.checksums_completed;
  }
  if (!beside.tagged) return std::nullopt;
  if (packet.size() < mac_addresses_bytes || !packet.grow_front(packet::vlan_tag_bytes))
    return DropReason::cut;
  const auto frame = packet.bytes();
  std::copy_n(frame.begin() + static_cast<std::ptrdiff_t>(packet::vlan_tag_bytes),
              mac_addresses_bytes, frame.begin());
  put_be16_at(frame, mac_addresses_bytes, beside.tag_type);
  put_be16_at(frame, mac_addresses_bytes + 2, beside.tag_control);
  return std::nullopt;
}

}  // namespace lobo::adapters::packet_io
