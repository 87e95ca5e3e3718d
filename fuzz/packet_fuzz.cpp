// Frames and bare IP packets: what was read lies within the frame, and a length that was set is
// read back.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "wire/packet/edit.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"

namespace {

void check(const lobo::packet::PacketView& view, lobo::Bytes frame) {
  (void)to_string(view.unread);
  if (!view.has_ip()) return;
  lobo::require(view.ip_at <= view.transport_at);
  lobo::require(view.transport_at <= view.ip_end);
  lobo::require(view.ip_end <= frame.size());
  (void)lobo::packet::flow_hash(view.flow, frame.size());
  (void)lobo::packet::ip_header_checksum_ok(view);
  (void)lobo::packet::verify_udp_checksum(view);
  if (!view.has_udp) return;
  lobo::require(view.user_at() <= view.user_end && view.user_end <= view.ip_end);
  lobo::require(view.surplus().size() <= view.ip_end - view.user_end);
  if (!view.whole_udp()) return;
  std::vector<std::byte> copy(frame.begin(), frame.end());
  const std::size_t bytes = view.user_end - view.transport_at;
  if (!lobo::packet::set_transport_length(copy, view, bytes)) return;
  const auto again = lobo::packet::parse_ip(copy, view.ip_at);
  lobo::require(again.whole_udp() && again.surplus().empty());
  lobo::require(lobo::packet::ip_header_checksum_ok(again) ==
                lobo::packet::ip_header_checksum_ok(view));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const lobo::Bytes in = std::as_bytes(std::span(data, size));
  check(lobo::packet::parse_ethernet(in), in);
  check(lobo::packet::parse_ip(in), in);
  return 0;
}
