#include "wire/air/message.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "model/address.hpp"

namespace lobo::air {
namespace {

constexpr std::uint8_t flag_v4 = 0x01;
constexpr std::uint8_t flag_v6 = 0x02;

bool content_fits(Type type, Bytes content) {
  switch (type) {
    case Type::attach: return !content.empty() && content.size() <= name_bytes_max;
    case Type::accept: return read_accepted(content).has_value();
    case Type::refuse: return content.size() <= reason_bytes_max;
    case Type::data_down:
    case Type::data_up: return !content.empty();
    case Type::keep_alive:
    case Type::detach:
    case Type::wait: return true;
  }
  return false;
}

template <std::size_t count>
std::array<std::uint8_t, count> octets_of(ByteReader& in) {
  std::array<std::uint8_t, count> octets{};
  for (auto& octet : octets) octet = in.u8();
  return octets;
}

}  // namespace

View parse(Bytes datagram) noexcept {
  View view;
  ByteReader in(datagram);
  const std::uint16_t sign = in.be16();
  const std::uint8_t spoken = in.u8();
  const std::uint8_t type = in.u8();
  view.attachment = in.be32();
  view.number = in.be32();
  if (!in.ok()) return view;
  view.content = in.rest();
  view.type = static_cast<Type>(type);
  const bool known = type >= static_cast<std::uint8_t>(Type::attach) &&
                     type <= static_cast<std::uint8_t>(Type::wait);
  if (sign != magic)
    view.fault = NotAir::not_ours;
  else if (spoken != protocol_version)
    view.fault = NotAir::version;
  else if (!known)
    view.fault = NotAir::type;
  else
    view.fault = content_fits(view.type, view.content) ? NotAir::it_is : NotAir::content;
  return view;
}

std::optional<Accepted> read_accepted(Bytes content) noexcept {
  ByteReader in(content);
  Accepted accepted;
  accepted.mtu = in.be16();
  const std::uint8_t flags = in.u8();
  if ((flags & flag_v4) != 0) accepted.v4 = model::Ipv4Address{octets_of<4>(in)};
  if ((flags & flag_v6) != 0) accepted.v6 = model::Ipv6Address{octets_of<16>(in)};
  if (!in.ok() || (!accepted.v4 && !accepted.v6)) return std::nullopt;
  return accepted;
}

void write_header(ByteWriter& out, Type type, std::uint32_t attachment,
                  std::uint32_t number) noexcept {
  out.be16(magic);
  out.u8(protocol_version);
  out.u8(static_cast<std::uint8_t>(type));
  out.be32(attachment);
  out.be32(number);
}

void write_accepted(ByteWriter& out, const Accepted& accepted) noexcept {
  out.be16(accepted.mtu);
  out.u8(static_cast<std::uint8_t>((accepted.v4 ? flag_v4 : 0U) | (accepted.v6 ? flag_v6 : 0U)));
  if (accepted.v4)
    for (const auto octet : accepted.v4->octets) out.u8(octet);
  if (accepted.v6)
    for (const auto octet : accepted.v6->octets) out.u8(octet);
}

}  // namespace lobo::air
