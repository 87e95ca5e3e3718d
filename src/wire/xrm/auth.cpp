#include "wire/xrm/auth.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"

namespace lobo::xrm {
namespace {

constexpr std::uint8_t protocol_udp = 17;
constexpr std::size_t ocs_bytes = 2;
constexpr std::size_t ipv4_bytes = 4;
constexpr std::size_t ipv6_bytes = 16;
constexpr std::size_t pseudo_header_max = 40;

/// RFC 768 and RFC 8200 clause 8.1.
void write_pseudo_header(ByteWriter& out, const AuthInput& input) {
  const std::uint16_t length = read_be16(input.udp.subspan<4, 2>());
  out.bytes(input.source);
  out.bytes(input.destination);
  if (input.source.size() == ipv4_bytes) {
    out.u8(0);
    out.u8(protocol_udp);
    out.be16(length);
  } else {
    out.be32(length);
    out.be24(0);
    out.u8(protocol_udp);
  }
}

bool fits(const AuthInput& input) {
  const std::size_t address = input.source.size();
  const std::size_t surplus = input.surplus.size();
  return (address == ipv4_bytes || address == ipv6_bytes) && input.destination.size() == address &&
         surplus >= ocs_bytes && input.ocs_at <= surplus - ocs_bytes && surplus >= auth_mac_bytes &&
         input.mac_at <= surplus - auth_mac_bytes && input.ocs_at + ocs_bytes <= input.mac_at;
}

}  // namespace

void write_auth(ByteWriter& out, const AuthOption& option) {
  out.u8(kind_auth);
  out.u8(auth_option_bytes);
  out.u8(static_cast<std::uint8_t>(option.key_id));
  out.u8(static_cast<std::uint8_t>(option.next_key_id));
  out.bytes(option.mac);
}

std::optional<AuthOption> read_auth(Bytes value) {
  if (value.size() != auth_option_bytes - 2) return std::nullopt;
  ByteReader in(value);
  AuthOption option{.key_id = KeyId{in.u8()}, .next_key_id = KeyId{in.u8()}};
  const Bytes mac = in.rest();
  std::copy(mac.begin(), mac.end(), option.mac.begin());
  return option;
}

std::optional<std::array<std::byte, auth_mac_bytes>> auth_mac(Mac& mac, const AuthInput& input,
                                                              AuthCover cover) {
  if (!fits(input)) return std::nullopt;
  std::array<std::byte, pseudo_header_max> pseudo_header;
  ByteWriter writer(pseudo_header);
  write_pseudo_header(writer, input);
  static constexpr std::array<std::byte, auth_mac_bytes> zeros{};
  const Bytes surplus = input.surplus;
  const std::size_t after_ocs = input.ocs_at + ocs_bytes;
  const std::array<Bytes, 8> pieces{
      writer.written(),
      input.udp,
      cover == AuthCover::all ? input.user_data : Bytes{},
      surplus.first(input.ocs_at),
      Bytes(zeros).first(ocs_bytes),
      surplus.subspan(after_ocs, input.mac_at - after_ocs),
      zeros,
      surplus.subspan(input.mac_at + auth_mac_bytes),
  };
  const auto value = mac.mac(pieces);
  if (!value) return std::nullopt;
  std::array<std::byte, auth_mac_bytes> cut;
  std::copy_n(value->begin(), cut.size(), cut.begin());
  return cut;
}

bool auth_verifies(Mac& mac, const AuthInput& input, AuthCover cover) {
  const auto right = auth_mac(mac, input, cover);
  return right &&
         equal_in_constant_time(*right, input.surplus.subspan(input.mac_at, auth_mac_bytes));
}

}  // namespace lobo::xrm
