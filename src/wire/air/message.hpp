#pragma once
// The simulated air between `lobo gnb` and `lobo ue`: datagrams of our own, version 1. A stand-in
// for Uu that proves nobody's identity; docs/gnb.md shows the octets.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "model/address.hpp"

namespace lobo::air {

inline constexpr std::uint16_t udp_port = 2153;
inline constexpr std::uint16_t magic = 0x4C41;
inline constexpr std::uint8_t protocol_version = 1;
inline constexpr std::size_t header_bytes = 12;
inline constexpr std::size_t name_bytes_max = 64;
inline constexpr std::size_t reason_bytes_max = 200;

enum class Type : std::uint8_t {
  attach = 1,
  accept = 2,
  refuse = 3,
  data_down = 4,
  data_up = 5,
  keep_alive = 6,
  detach = 7,
  wait = 8,
};

enum class NotAir : std::uint8_t {
  it_is,
  header_cut,
  not_ours,  ///< another magic
  version,
  type,
  content,  ///< what the type carries is not there, or too long
};
inline constexpr std::size_t not_air_count = 6;
constexpr std::string_view to_string(NotAir reason) {
  switch (reason) {
    case NotAir::it_is: return "it_is";
    case NotAir::header_cut: return "header_cut";
    case NotAir::not_ours: return "not_ours";
    case NotAir::version: return "version";
    case NotAir::type: return "type";
    case NotAir::content: return "content";
  }
  std::abort();
}

struct View {
  Type type = Type::attach;
  std::uint32_t attachment = 0;
  std::uint32_t number = 0;
  Bytes content;
  NotAir fault = NotAir::header_cut;
  bool ok() const { return fault == NotAir::it_is; }
};

/// What `accept` carries.
struct Accepted {
  std::uint16_t mtu = 0;
  std::optional<model::Ipv4Address> v4;
  std::optional<model::Ipv6Address> v6;
  bool operator==(const Accepted&) const = default;
};

View parse(Bytes datagram) noexcept;
std::optional<Accepted> read_accepted(Bytes content) noexcept;

void write_header(ByteWriter& out, Type type, std::uint32_t attachment,
                  std::uint32_t number = 0) noexcept;
void write_accepted(ByteWriter& out, const Accepted& accepted) noexcept;

}  // namespace lobo::air
