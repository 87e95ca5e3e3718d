#pragma once
// Which of several workers a user's packets belong to, by the user's address: one rule for whoever
// divides packets (a program in the kernel) and for whoever owns the state that they change. The
// addresses are given by the core, so nobody outside picks which worker gets the most.

#include <cstdint>

namespace lobo::packet {

inline constexpr std::uint32_t split_factor = 0x9E3779B1;  ///< odd: no two addresses become one
inline constexpr unsigned split_shift = 16;

/// Of an IPv4 address as a number. The worker is the rest of a division by how many there are.
constexpr std::uint32_t split_of(std::uint32_t address) {
  return address * split_factor >> split_shift;
}
/// Of the network of an IPv6 address: its first 64 bits, whatever the UE makes of the others.
constexpr std::uint32_t split_of_network(std::uint64_t high) {
  return split_of(static_cast<std::uint32_t>(high >> 32U) ^ static_cast<std::uint32_t>(high));
}

}  // namespace lobo::packet
