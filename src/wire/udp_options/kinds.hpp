#pragma once
// The registry of UDP option kinds (RFC 9868 clause 10) and what each of them holds.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"

namespace lobo::udp_options {

inline constexpr std::uint8_t kind_eol = 0;
inline constexpr std::uint8_t kind_nop = 1;
inline constexpr std::uint8_t kind_apc = 2;   ///< CRC32c of the user data
inline constexpr std::uint8_t kind_frag = 3;  ///< the user data is split over several datagrams
inline constexpr std::uint8_t kind_mds = 4;   ///< largest datagram that is taken in one piece
inline constexpr std::uint8_t kind_mrds = 5;  ///< largest datagram that is taken in fragments
inline constexpr std::uint8_t kind_req = 6;
inline constexpr std::uint8_t kind_res = 7;
inline constexpr std::uint8_t kind_time = 8;
inline constexpr std::uint8_t kind_auth = 9;  ///< reserved; framing of an expired individual draft
inline constexpr std::uint8_t kind_unassigned_first = 10;  ///< SAFE, for IANA to assign …
inline constexpr std::uint8_t kind_unassigned_last = 126;  ///< … up to here
inline constexpr std::uint8_t kind_exp = 127;              ///< SAFE experiments, told by an ExID
inline constexpr std::uint8_t kind_unsafe_first = 192;
inline constexpr std::uint8_t kind_ucmp = 192;
inline constexpr std::uint8_t kind_uenc = 193;
inline constexpr std::uint8_t kind_uexp = 254;

/// An option that changes the user data: whoever does not know it may not deliver the data, and it
/// stands within fragments only (RFC 9868 clause 12).
constexpr bool is_unsafe(std::uint8_t kind) { return kind >= kind_unsafe_first; }
/// EOL to RES: every receiver knows them, and senders put them first (RFC 9868 clause 10).
constexpr bool is_must_support(std::uint8_t kind) { return kind <= kind_res; }

/// The option's name in the registry, or "" where it has none.
constexpr std::string_view name_of(std::uint8_t kind) {
  switch (kind) {
    case kind_eol: return "EOL";
    case kind_nop: return "NOP";
    case kind_apc: return "APC";
    case kind_frag: return "FRAG";
    case kind_mds: return "MDS";
    case kind_mrds: return "MRDS";
    case kind_req: return "REQ";
    case kind_res: return "RES";
    case kind_time: return "TIME";
    case kind_auth: return "AUTH";
    case kind_exp: return "EXP";
    case kind_ucmp: return "UCMP";
    case kind_uenc: return "UENC";
    case kind_uexp: return "UEXP";
    default: return "";
  }
}

/// The value lengths that a kind is defined with; `least == 0` and `most == 0xFFFF` for the others.
struct ValueLength {
  std::uint16_t least = 0;
  std::uint16_t most = 0xFFFF;
};
constexpr ValueLength value_length(std::uint8_t kind) {
  switch (kind) {
    case kind_apc:
    case kind_req:
    case kind_res: return {4, 4};
    case kind_frag: return {8, 10};
    case kind_mds: return {2, 2};
    case kind_mrds: return {3, 3};
    case kind_time: return {8, 8};
    case kind_exp:
    case kind_uexp: return {2, 0xFFFF};
    default: return {};
  }
}

/// RFC 9868 clause 11.4; offsets count from the start of a UDP header.
struct Frag {
  std::uint16_t start = 0;  ///< where the fragment's data begins in this packet
  std::uint32_t identification = 0;
  std::uint16_t offset = 0;  ///< where the data belongs in the original datagram
  /// Last fragment only: where the surplus area of the original datagram begins.
  std::optional<std::uint16_t> rdos;
  bool operator==(const Frag&) const = default;
};
struct Mrds {
  std::uint16_t size = 0;
  std::uint8_t segments = 0;
  bool operator==(const Mrds&) const = default;
};
struct Time {
  std::uint32_t value = 0;
  std::uint32_t echo_reply = 0;
  bool operator==(const Time&) const = default;
};
/// TCP-AO's shape: which key made the code, which one the sender wants next.
struct Auth {
  std::uint8_t key_id = 0;
  std::uint8_t r_next_key_id = 0;
  Bytes mac;
};
struct Experiment {
  std::uint16_t ex_id = 0;
  Bytes value;
};

/// Readers of one option's value (what follows Kind and Length). Nothing where its length is
/// another.
constexpr std::optional<std::uint32_t> read_number32(Bytes value) {
  return value.size() == 4 ? std::optional(be32_at(value, 0)) : std::nullopt;
}
constexpr std::optional<std::uint32_t> read_apc(Bytes value) { return read_number32(value); }
constexpr std::optional<std::uint32_t> read_req(Bytes value) { return read_number32(value); }
constexpr std::optional<std::uint32_t> read_res(Bytes value) { return read_number32(value); }
constexpr std::optional<std::uint16_t> read_mds(Bytes value) {
  return value.size() == 2 ? std::optional(be16_at(value, 0)) : std::nullopt;
}
constexpr std::optional<Mrds> read_mrds(Bytes value) {
  if (value.size() != 3) return std::nullopt;
  return Mrds{be16_at(value, 0), u8_at(value, 2)};
}
constexpr std::optional<Time> read_time(Bytes value) {
  if (value.size() != 8) return std::nullopt;
  return Time{be32_at(value, 0), be32_at(value, 4)};
}
constexpr std::optional<Frag> read_frag(Bytes value) {
  if (value.size() != 8 && value.size() != 10) return std::nullopt;
  Frag frag{be16_at(value, 0), be32_at(value, 2), be16_at(value, 6), std::nullopt};
  if (value.size() == 10) frag.rdos = be16_at(value, 8);
  return frag;
}
constexpr std::optional<Auth> read_auth(Bytes value) {
  if (value.size() < 3) return std::nullopt;
  return Auth{u8_at(value, 0), u8_at(value, 1), value.subspan(2)};
}
constexpr std::optional<Experiment> read_experiment(Bytes value) {
  if (value.size() < 2) return std::nullopt;
  return Experiment{be16_at(value, 0), value.subspan(2)};
}

}  // namespace lobo::udp_options
