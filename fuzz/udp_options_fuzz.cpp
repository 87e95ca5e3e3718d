// An IP packet with UDP options: as it came, and with the option checksum made right, so that the
// walk is reached. What is accepted can be added to and taken out again.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "wire/packet/parse.hpp"
#include "wire/udp_options/edit.hpp"
#include "wire/udp_options/kinds.hpp"
#include "wire/udp_options/surplus.hpp"

namespace lobo::udp_options {
namespace {

void read_values(const Surplus& surplus) {
  for (const Option& option : surplus.options()) {
    const Bytes value = surplus.value(option);
    (void)name_of(option.kind);
    (void)read_apc(value);
    (void)read_mds(value);
    (void)read_mrds(value);
    (void)read_time(value);
    (void)read_frag(value);
    (void)read_auth(value);
    (void)read_experiment(value);
  }
}

void edit(const std::vector<std::byte>& packet) {
  std::vector<std::byte> room(packet);
  room.resize(packet.size() + 16);
  const auto view = packet::parse_ip(std::span(room).first(packet.size()));
  const std::array option{std::byte{100}, std::byte{4}, std::byte{0xAB}, std::byte{0xCD}};
  const Edited longer = insert(room, view, option);
  if (!longer) return;
  const auto after = packet::parse_ip(std::span(room).first(*longer));
  const Surplus surplus = read_surplus(after);
  require(after.whole_udp());
  require(std::ranges::equal(view.user_data(), after.user_data()));
  // The option count may have been at its bound, and the kind may have been there before.
  require(surplus.accepted() || surplus.verdict == Verdict::too_many_options);
  const Edited shorter = strip(room, after);
  require(shorter || surplus.verdict == Verdict::too_many_options);
  if (shorter) require(packet::parse_ip(std::span(room).first(*shorter)).surplus().empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes in = std::as_bytes(std::span(data, size));
  std::vector<std::byte> packet(in.begin(), in.end());
  const auto view = packet::parse_ip(packet);
  read_values(read_surplus(view));
  edit(packet);
  if (!view.whole_udp() || view.surplus().size() < 3) return 0;
  const auto area = std::span(packet).subspan(view.user_end, view.surplus().size());
  const bool odd = (view.user_end - view.transport_at) % 2 != 0;
  if (odd) area[0] = std::byte{};
  put_be16_at(area, odd ? 1 : 0, option_checksum(area, odd));
  const Surplus surplus = read_surplus(view);
  require(surplus.verdict != Verdict::checksum_wrong);
  require(surplus.accepted() || surplus.options().empty());
  read_values(surplus);
  (void)verify_apc(surplus, view.user_data());
  edit(packet);
  return 0;
}

}  // namespace lobo::udp_options
