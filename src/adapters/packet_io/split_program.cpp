#include "adapters/packet_io/split_program.hpp"

#include <linux/filter.h>
#include <linux/if_ether.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/require.hpp"
#include "wire/packet/split.hpp"

namespace lobo::adapters::packet_io {
namespace {

constexpr std::uint32_t net(int at) { return static_cast<std::uint32_t>(SKF_NET_OFF + at); }
constexpr std::uint32_t udp_protocol = 17;
constexpr std::uint32_t gtpu_port = 2152;  // TS 29.281 clause 4.4.2
constexpr std::uint32_t g_pdu = 255;       // TS 29.281 table 6.1-1
constexpr int udp_bytes = 8;
constexpr int short_gtpu_bytes = 8;
constexpr int long_gtpu_bytes = 12;

/// Instructions in a row, with jumps forward to places that are named before they are known.
class Program {
 public:
  enum class Place : std::uint8_t { next, ipv6, gtpu, inner, plain, hash, first };

  void add(unsigned code, std::uint32_t k = 0) {
    code_.push_back({static_cast<std::uint16_t>(code), 0, 0, k});
  }
  void jump(unsigned kind, std::uint32_t k, Place yes, Place no = Place::next) {
    jumps_.push_back({code_.size(), yes, no});
    add(BPF_JMP | kind | BPF_K, k);
  }
  void here(Place place) { places_[static_cast<std::size_t>(place)] = code_.size(); }

  std::vector<sock_filter> done() {
    for (const Jump& one : jumps_) {
      code_[one.at].jt = distance(one.at, one.yes);
      code_[one.at].jf = distance(one.at, one.no);
    }
    return code_;
  }

 private:
  struct Jump {
    std::size_t at;
    Place yes, no;
  };
  std::uint8_t distance(std::size_t from, Place to) const {
    if (to == Place::next) return 0;
    const std::size_t place = places_[static_cast<std::size_t>(to)];
    require(place > from && place - from - 1 <= std::numeric_limits<std::uint8_t>::max());
    return static_cast<std::uint8_t>(place - from - 1);
  }

  std::vector<sock_filter> code_;
  std::vector<Jump> jumps_;
  std::array<std::size_t, 7> places_{};
};

using Place = Program::Place;

void advance(Program& to, int count) {
  to.add(BPF_MISC | BPF_TXA);
  to.add(BPF_ALU | BPF_ADD | BPF_K, static_cast<std::uint32_t>(count));
  to.add(BPF_MISC | BPF_TAX);
}

/// Leaves in X where the tunnelled packet begins.
void enter_tunnel(Program& to) {
  to.jump(BPF_JEQ, ETH_P_IPV6, Place::ipv6);
  to.jump(BPF_JEQ, ETH_P_IP, Place::next, Place::first);
  to.add(BPF_LD | BPF_B | BPF_ABS, net(9));
  to.jump(BPF_JEQ, udp_protocol, Place::next, Place::first);
  to.add(BPF_LD | BPF_H | BPF_ABS, net(6));
  to.jump(BPF_JSET, 0x3FFF, Place::first);  // a fragment
  to.add(BPF_LDX | BPF_B | BPF_MSH, net(0));
  to.add(BPF_LD | BPF_IMM, ETH_P_IP);
  to.jump(BPF_JEQ, ETH_P_IP, Place::gtpu);
  to.here(Place::ipv6);
  to.add(BPF_LD | BPF_B | BPF_ABS, net(6));
  to.jump(BPF_JEQ, udp_protocol, Place::next, Place::first);
  to.add(BPF_LDX | BPF_IMM, 40);
  to.here(Place::gtpu);
  to.add(BPF_LD | BPF_H | BPF_IND, net(2));
  to.jump(BPF_JEQ, gtpu_port, Place::next, Place::first);
  to.add(BPF_LD | BPF_B | BPF_IND, net(udp_bytes + 1));
  to.jump(BPF_JEQ, g_pdu, Place::next, Place::first);
  to.add(BPF_LD | BPF_B | BPF_IND, net(udp_bytes));
  to.jump(BPF_JSET, 0x07, Place::next, Place::plain);
  to.jump(BPF_JSET, 0x04, Place::next, Place::first);  // numbered, which nobody does on N3
  to.add(BPF_LD | BPF_B | BPF_IND, net(udp_bytes + long_gtpu_bytes - 1));
  to.add(BPF_ST, 0);
  advance(to, udp_bytes + long_gtpu_bytes);
  to.add(BPF_LD | BPF_MEM, 0);
  for (std::size_t i = 0; i < split_extensions_max; ++i) {
    to.jump(BPF_JEQ, 0, Place::inner);
    to.add(BPF_LD | BPF_B | BPF_IND, net(0));
    to.jump(BPF_JEQ, 0, Place::first);
    to.add(BPF_ALU | BPF_LSH | BPF_K, 2);
    to.add(BPF_ALU | BPF_ADD | BPF_X);
    to.add(BPF_MISC | BPF_TAX);
    to.add(BPF_LD | BPF_B | BPF_IND, net(-1));
  }
  to.jump(BPF_JEQ, 0, Place::inner, Place::first);
  to.here(Place::plain);
  advance(to, udp_bytes + short_gtpu_bytes);
  to.here(Place::inner);
}

void take_tunnel_source(Program& to) {
  enter_tunnel(to);
  to.add(BPF_LD | BPF_W | BPF_IND, net(8));  // of IPv6; not used of IPv4
  to.add(BPF_ST, 0);
  to.add(BPF_LD | BPF_W | BPF_IND, net(12));
  to.add(BPF_ST, 1);
  to.add(BPF_LD | BPF_B | BPF_IND, net(0));
  to.add(BPF_ALU | BPF_RSH | BPF_K, 4);
  to.add(BPF_LDX | BPF_IMM, 0);
  to.add(BPF_STX, 2);
  to.jump(BPF_JEQ, 4, Place::hash);
  to.jump(BPF_JEQ, 6, Place::next, Place::first);
  to.add(BPF_LDX | BPF_MEM, 0);
  to.add(BPF_STX, 2);
  to.here(Place::hash);
  to.add(BPF_LDX | BPF_MEM, 2);
  to.add(BPF_LD | BPF_MEM, 1);
  to.add(BPF_ALU | BPF_XOR | BPF_X);
}

void take_destination(Program& to) {
  to.jump(BPF_JEQ, ETH_P_IPV6, Place::ipv6);
  to.jump(BPF_JEQ, ETH_P_IP, Place::next, Place::first);
  to.add(BPF_LD | BPF_W | BPF_ABS, net(16));
  to.add(BPF_LDX | BPF_IMM, 0);
  to.add(BPF_JMP | BPF_JA, 3);  // past what follows for IPv6
  to.here(Place::ipv6);
  to.add(BPF_LD | BPF_W | BPF_ABS, net(24));
  to.add(BPF_MISC | BPF_TAX);
  to.add(BPF_LD | BPF_W | BPF_ABS, net(28));
  to.add(BPF_ALU | BPF_XOR | BPF_X);
}

}  // namespace

std::vector<sock_filter> split_program(SplitBy by, std::uint32_t count) {
  require(count > 0);
  Program program;
  program.add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PROTOCOL));
  if (by == SplitBy::destination)
    take_destination(program);
  else
    take_tunnel_source(program);
  program.add(BPF_ALU | BPF_MUL | BPF_K, packet::split_factor);
  program.add(BPF_ALU | BPF_RSH | BPF_K, packet::split_shift);
  program.add(BPF_ALU | BPF_MOD | BPF_K, count);
  program.add(BPF_RET | BPF_A);
  program.here(Place::first);
  program.add(BPF_RET | BPF_K, 0);
  return program.done();
}

}  // namespace lobo::adapters::packet_io
