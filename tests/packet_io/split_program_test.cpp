#include "adapters/packet_io/split_program.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/if_ether.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "wire/packet/split.hpp"

namespace lobo::adapters::packet_io {
namespace {

using Octets = std::vector<std::uint8_t>;

/// What the kernel makes of a program; nothing where it would refuse an instruction. A load beyond
/// the packet ends it with 0.
class Machine {
 public:
  Machine(const Octets& packet, std::uint16_t protocol) : packet_(packet), protocol_(protocol) {}

  std::optional<std::uint32_t> run(const std::vector<sock_filter>& program) {
    for (std::size_t at = 0; at < program.size(); ++at) {
      const sock_filter& one = program[at];
      const std::uint32_t operand = (one.code & BPF_X) != 0 ? x_ : one.k;
      switch (BPF_CLASS(one.code)) {
        case BPF_LD:
        case BPF_LDX:
          if (!load(one)) return beyond_ ? std::optional<std::uint32_t>(0) : std::nullopt;
          break;
        case BPF_ST: memory_.at(one.k) = a_; break;
        case BPF_STX: memory_.at(one.k) = x_; break;
        case BPF_MISC:
          (BPF_MISCOP(one.code) == BPF_TAX ? x_ : a_) = BPF_MISCOP(one.code) == BPF_TAX ? a_ : x_;
          break;
        case BPF_ALU:
          if (!compute(BPF_OP(one.code), operand)) return std::nullopt;
          break;
        case BPF_JMP:
          if (BPF_OP(one.code) == BPF_JA) {
            at += one.k;
            break;
          }
          at +=
              (BPF_OP(one.code) == BPF_JEQ ? a_ == operand : (a_ & operand) != 0) ? one.jt : one.jf;
          break;
        case BPF_RET: return BPF_RVAL(one.code) == BPF_A ? a_ : one.k;
        default: return std::nullopt;
      }
    }
    return std::nullopt;
  }

 private:
  bool load(const sock_filter& one) {
    std::uint32_t& to = BPF_CLASS(one.code) == BPF_LDX ? x_ : a_;
    const auto k = static_cast<std::int32_t>(one.k);
    switch (BPF_MODE(one.code)) {
      case BPF_IMM: return to = one.k, true;
      case BPF_MEM: return to = memory_.at(one.k), true;
      case BPF_ABS:
        if (k == SKF_AD_OFF + SKF_AD_PROTOCOL) return to = protocol_, true;
        return read(to, k - SKF_NET_OFF, BPF_SIZE(one.code));
      case BPF_IND: return read(to, std::int64_t{k} - SKF_NET_OFF + x_, BPF_SIZE(one.code));
      case BPF_MSH:
        if (!read(to, k - SKF_NET_OFF, BPF_B)) return false;
        return to = (to & 0xFU) * 4, true;
      default: return false;
    }
  }
  bool read(std::uint32_t& to, std::int64_t from, unsigned size) {
    const std::int64_t octets = size == BPF_W ? 4 : size == BPF_H ? 2 : 1;
    beyond_ = from < 0 || from + octets > static_cast<std::int64_t>(packet_.size());
    if (beyond_) return false;
    to = 0;
    for (std::int64_t i = 0; i < octets; ++i)
      to = to << 8U | packet_[static_cast<std::size_t>(from + i)];
    return true;
  }
  bool compute(unsigned operation, std::uint32_t by) {
    switch (operation) {
      case BPF_ADD: return a_ += by, true;
      case BPF_MUL: return a_ *= by, true;
      case BPF_XOR: return a_ ^= by, true;
      case BPF_LSH: return a_ <<= by, true;
      case BPF_RSH: return a_ >>= by, true;
      case BPF_MOD: return by != 0 && (a_ %= by, true);
      default: return false;
    }
  }

  const Octets& packet_;
  std::uint32_t protocol_;
  std::uint32_t a_ = 0, x_ = 0;
  std::array<std::uint32_t, BPF_MEMWORDS> memory_{};
  bool beyond_ = false;
};

class SplitProgram : public ::testing::Test {
 protected:
  std::uint32_t below(std::uint32_t limit) {
    return std::uniform_int_distribution<std::uint32_t>(0, limit - 1)(random_);
  }
  Octets some(std::size_t count) {
    Octets all(count);
    for (auto& one : all) one = static_cast<std::uint8_t>(below(256));
    return all;
  }
  /// Its addresses are random, and so is what it carries.
  Octets user_packet(bool v6) {
    Octets packet = some((v6 ? 40U : 20U) + below(30));
    packet[0] = v6 ? 0x60 : 0x45;
    return packet;
  }
  Octets tunnel(bool v6, const Octets& inner) {
    Octets all = some(v6 ? 40 : 20 + 4 * below(4));
    all[0] = v6 ? 0x60 : static_cast<std::uint8_t>(0x40 + all.size() / 4);
    all[v6 ? 6 : 9] = 17;
    if (!v6) all[6] = below(2) == 0 ? 0x40 : 0, all[7] = 0;
    const std::uint32_t extensions = below(split_extensions_max + 1);
    Octets udp = some(8);
    udp[2] = 2152 >> 8, udp[3] = 2152 & 0xFF;
    Octets gtpu = some(8);
    gtpu[0] = static_cast<std::uint8_t>(extensions == 0 ? 0x30 : 0x34);
    gtpu[1] = 255;
    if (extensions > 0) gtpu.insert(gtpu.end(), {1, 2, 3, 0x85});
    for (std::uint32_t i = 0; i < extensions; ++i) {
      Octets one = some(4 * (1 + below(3)));
      one.front() = static_cast<std::uint8_t>(one.size() / 4);
      one.back() = i + 1 == extensions ? 0 : 0x85;
      gtpu.insert(gtpu.end(), one.begin(), one.end());
    }
    for (const Octets& part : {udp, gtpu, inner}) all.insert(all.end(), part.begin(), part.end());
    return all;
  }
  static std::uint64_t number(const Octets& of, std::size_t from, std::size_t count) {
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < count; ++i) all = all << 8U | of[from + i];
    return all;
  }
  static std::uint32_t wanted(const Octets& packet, bool v6, bool destination) {
    if (v6) return packet::split_of_network(number(packet, destination ? 24 : 8, 8));
    return packet::split_of(static_cast<std::uint32_t>(number(packet, destination ? 16 : 12, 4)));
  }
  static std::optional<std::uint32_t> run(SplitBy by, std::uint32_t count, const Octets& packet,
                                          bool v6) {
    return Machine(packet, v6 ? ETH_P_IPV6 : ETH_P_IP).run(split_program(by, count));
  }

  std::mt19937 random_{std::random_device{}()};
};

constexpr int rounds = 2000;

TEST_F(SplitProgram, both_directions_of_a_ue_have_one_worker) {
  for (int i = 0; i < rounds; ++i) {
    const std::uint32_t count = 1 + below(8);
    const bool v6 = below(2) == 1;
    const bool outer_v6 = below(2) == 1;
    const Octets down = user_packet(v6);
    EXPECT_EQ(run(SplitBy::destination, count, down, v6), wanted(down, v6, true) % count);
    const Octets up = user_packet(v6);
    EXPECT_EQ(run(SplitBy::tunnel_source, count, tunnel(outer_v6, up), outer_v6),
              wanted(up, v6, false) % count);
  }
}

TEST_F(SplitProgram, what_cannot_be_told_is_the_firsts) {
  const std::uint32_t count = 1 << 16;  // what is told is hardly ever 0 by chance
  const Octets whole = tunnel(false, user_packet(false));
  EXPECT_EQ(Machine(whole, ETH_P_ARP).run(split_program(SplitBy::destination, count)), 0U);
  EXPECT_EQ(Machine(whole, ETH_P_ARP).run(split_program(SplitBy::tunnel_source, count)), 0U);
  const std::size_t header = static_cast<std::size_t>(whole[0] & 0xFU) * 4;
  for (const auto& [at, value] : {std::pair<std::size_t, std::uint8_t>{9, 6},  // not UDP
                                  {6, 0x20},                                   // a fragment
                                  {header + 2, 1},                             // another port
                                  {header + 9, 1}}) {                          // an echo request
    Octets other = whole;
    other[at] = value;
    EXPECT_EQ(run(SplitBy::tunnel_source, count, other, false), 0U) << at;
  }
}

TEST_F(SplitProgram, a_damaged_packet_still_has_a_worker) {
  for (int i = 0; i < rounds; ++i) {
    const bool v6 = below(2) == 1;
    Octets packet = tunnel(v6, user_packet(below(2) == 1));
    packet[below(static_cast<std::uint32_t>(packet.size()))] ^=
        static_cast<std::uint8_t>(1 + below(255));
    packet.resize(below(static_cast<std::uint32_t>(packet.size()) + 1));
    for (const SplitBy by : {SplitBy::destination, SplitBy::tunnel_source}) {
      const auto got = run(by, 3, packet, v6);
      ASSERT_TRUE(got);
      EXPECT_LT(*got, 3U);
    }
  }
}

}  // namespace
}  // namespace lobo::adapters::packet_io
