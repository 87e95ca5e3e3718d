#include "adapters/packet_io/xdp_filter.hpp"

#include <fmt/format.h>
#include <linux/bpf.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "adapters/packet_io/served.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "model/address.hpp"
#include "wire/packet/parse.hpp"

namespace lobo::adapters::packet_io {
namespace {

constexpr unsigned vlan_tags_looked_behind = 2;
constexpr std::int16_t ipv4_protocol_at = 9;
constexpr std::int16_t ipv4_fragment_at = 6;
constexpr std::int16_t ipv4_destination_at = 16;
constexpr std::int16_t ipv6_next_header_at = 6;
constexpr std::int16_t ipv6_destination_at = 24;
constexpr std::uint16_t fragment_bits = 0x3FFF;  ///< more fragments, and the offset
constexpr std::int32_t no_port = 0x10000;
constexpr std::int32_t helper_redirect_map = BPF_FUNC_redirect_map;

enum Register : std::uint8_t { r0, r1, r2, r3, r4, r5, r6, r7, r8, r9 };
// What they hold all along; r0 to r5 are for the moment.
constexpr Register context = r6;
constexpr Register port_found = r7;  ///< in network order, or no_port
constexpr Register frame_end = r8;
constexpr Register network = r9;  ///< begin of the IP header

enum class Label : std::uint8_t { pass, take, ipv4, ipv6, network_header, next_rule, judge };

/// Instructions in a row, jumps forward to labels. A label may be set again for later jumps.
class Assembler {
 public:
  void emit(unsigned code, Register to, Register from, std::int16_t offset, std::int32_t number) {
    bpf_insn instruction{};
    instruction.code = static_cast<std::uint8_t>(code);
    instruction.dst_reg = to & 0xFU;
    instruction.src_reg = from & 0xFU;
    instruction.off = offset;
    instruction.imm = number;
    program_.push_back(instruction);
  }
  void set(Register to, std::int32_t number) {
    emit(BPF_ALU64 | BPF_MOV | BPF_K, to, r0, 0, number);
  }
  void copy(Register to, Register from) { emit(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0); }
  void add(Register to, std::int32_t number) {
    emit(BPF_ALU64 | BPF_ADD | BPF_K, to, r0, 0, number);
  }
  void add(Register to, Register from) { emit(BPF_ALU64 | BPF_ADD | BPF_X, to, from, 0, 0); }
  void shift_left(Register to, std::int32_t bits) {
    emit(BPF_ALU64 | BPF_LSH | BPF_K, to, r0, 0, bits);
  }
  /// The upper half becomes 0.
  void mask(Register to, std::uint32_t bits) {
    emit(BPF_ALU | BPF_AND | BPF_K, to, r0, 0, static_cast<std::int32_t>(bits));
  }
  void load(unsigned size, Register to, Register from, std::int16_t at) {
    emit(BPF_LDX | BPF_MEM | size, to, from, at, 0);
  }
  void jump(Label to) { jump_with(BPF_JMP | BPF_JA, r0, r0, 0, to); }
  void jump_if_equal(Register value, std::uint32_t number, Label to) {
    jump_with(BPF_JMP32 | BPF_JEQ | BPF_K, value, r0, static_cast<std::int32_t>(number), to);
  }
  void jump_unless_equal(Register value, std::uint32_t number, Label to) {
    jump_with(BPF_JMP32 | BPF_JNE | BPF_K, value, r0, static_cast<std::int32_t>(number), to);
  }
  void jump_if_below(Register value, std::int32_t number, Label to) {
    jump_with(BPF_JMP32 | BPF_JLT | BPF_K, value, r0, number, to);
  }
  /// Unless `size` bytes from `from` on are in the frame. Uses r4.
  void need(Register from, std::int32_t size, Label otherwise) {
    copy(r4, from);
    add(r4, size);
    jump_with(BPF_JMP | BPF_JGT | BPF_X, r4, frame_end, 0, otherwise);
  }
  void place(Label label) {
    for (const auto& [from, to] : jumps_) {
      if (to != label) continue;
      const std::size_t distance = program_.size() - from - 1;
      require(distance <= std::numeric_limits<std::int16_t>::max());
      program_[from].off = static_cast<std::int16_t>(distance);
    }
    std::erase_if(jumps_, [label](const auto& jump) { return jump.second == label; });
  }
  bool jumps_to(Label label) const {
    return std::ranges::any_of(jumps_, [label](const auto& jump) { return jump.second == label; });
  }
  std::vector<bpf_insn> finished() {
    require(jumps_.empty());
    return std::move(program_);
  }

 private:
  void jump_with(unsigned code, Register to, Register from, std::int32_t number, Label label) {
    jumps_.emplace_back(program_.size(), label);
    emit(code, to, from, 0, number);
  }

  std::vector<bpf_insn> program_;
  std::vector<std::pair<std::size_t, Label>> jumps_;
};

/// The EtherType, behind tags, to r5; `network` behind it.
void find_network_header(Assembler& out) {
  out.copy(context, r1);
  out.load(BPF_W, r7, context, offsetof(xdp_md, data));
  out.load(BPF_W, frame_end, context, offsetof(xdp_md, data_end));
  out.need(r7, packet::ethernet_header_bytes, Label::pass);
  out.load(BPF_H, r5, r7, packet::ethernet_header_bytes - 2);
  out.copy(network, r7);
  out.add(network, packet::ethernet_header_bytes);
  for (unsigned i = 0; i < vlan_tags_looked_behind; ++i) {
    out.jump_if_equal(r5, htons(packet::ether_type_vlan), Label::next_rule);
    out.jump_unless_equal(r5, htons(packet::ether_type_service_vlan), Label::network_header);
    out.place(Label::next_rule);
    out.need(network, packet::vlan_tag_bytes, Label::pass);
    out.load(BPF_H, r5, network, 2);
    out.add(network, packet::vlan_tag_bytes);
  }
  out.place(Label::network_header);
  out.set(port_found, no_port);
  out.jump_if_equal(r5, htons(packet::ether_type_ipv4), Label::ipv4);
  out.jump_if_equal(r5, htons(packet::ether_type_ipv6), Label::ipv6);
  out.jump(Label::pass);
}

void find_ipv4_port(Assembler& out) {
  out.need(network, packet::ipv4_header_bytes_min, Label::pass);
  out.load(BPF_B, r2, network, ipv4_protocol_at);
  out.jump_unless_equal(r2, packet::protocol_udp, Label::judge);
  out.load(BPF_H, r2, network, ipv4_fragment_at);
  out.mask(r2, htons(fragment_bits));
  out.jump_unless_equal(r2, 0, Label::judge);
  out.load(BPF_B, r2, network, 0);
  out.mask(r2, 0xF);
  out.shift_left(r2, 2);
  out.jump_if_below(r2, packet::ipv4_header_bytes_min, Label::pass);
  out.copy(r3, network);
  out.add(r3, r2);
  out.need(r3, packet::udp_header_bytes, Label::judge);
  out.load(BPF_H, port_found, r3, 2);
  out.place(Label::judge);
}

void find_ipv6_port(Assembler& out) {
  constexpr auto ports_end =
      static_cast<std::int32_t>(packet::ipv6_header_bytes + packet::udp_header_bytes);
  out.need(network, packet::ipv6_header_bytes, Label::pass);
  out.load(BPF_B, r2, network, ipv6_next_header_at);
  out.jump_unless_equal(r2, packet::protocol_udp, Label::judge);
  out.need(network, ports_end, Label::judge);
  out.load(BPF_H, port_found, network, packet::ipv6_header_bytes + 2);
  out.place(Label::judge);
}

/// The destination's network, word by word.
void compare_destination(Assembler& out, const model::IpAddress& address, unsigned length) {
  const auto network_address = model::network_of(address, length);
  const auto octets =
      std::visit([](const auto& value) { return std::span<const std::uint8_t>(value.octets); },
                 network_address);
  const auto at = std::holds_alternative<model::Ipv4Address>(address) ? ipv4_destination_at
                                                                      : ipv6_destination_at;
  for (unsigned bits = 0; bits < length; bits += 32) {
    std::uint32_t word = 0;
    std::memcpy(&word, octets.data() + bits / 8, sizeof word);
    const unsigned here = std::min(32U, length - bits);
    out.load(BPF_W, r2, network, static_cast<std::int16_t>(at + static_cast<int>(bits / 8)));
    if (here < 32) out.mask(r2, htonl(~0U << (32 - here)));
    out.jump_unless_equal(r2, word, Label::next_rule);
  }
}

void judge(Assembler& out, const ServedList& served, unsigned ip_version) {
  for (const auto& rule : served) {
    if (rule.ip_version != ip_version) continue;
    if (rule.destination) compare_destination(out, *rule.destination, rule.prefix_length);
    if (rule.udp_port) out.jump_unless_equal(port_found, htons(*rule.udp_port), Label::next_rule);
    out.jump(Label::take);
    out.place(Label::next_rule);
  }
  out.jump(Label::pass);
}

void end(Assembler& out, int sockets) {
  out.place(Label::take);
  // A map's descriptor is a number of two words, marked by its source register.
  out.emit(BPF_LD | BPF_DW | BPF_IMM, r1, Register{BPF_PSEUDO_MAP_FD}, 0, sockets);
  out.emit(0, r0, r0, 0, 0);
  out.load(BPF_W, r2, context, offsetof(xdp_md, rx_queue_index));
  out.set(r3, XDP_PASS);  // what is done where the map has no socket
  out.emit(BPF_JMP | BPF_CALL, r0, r0, 0, helper_redirect_map);
  out.emit(BPF_JMP | BPF_EXIT, r0, r0, 0, 0);
  // The kernel refuses a program with instructions that nothing leads to.
  if (!out.jumps_to(Label::pass)) return;
  out.place(Label::pass);
  out.set(r0, XDP_PASS);
  out.emit(BPF_JMP | BPF_EXIT, r0, r0, 0, 0);
}

Result<void> check(const ServedList& served) {
  if (served.size() > served_max)
    return fail(Errc::too_large,
                fmt::format("{} kinds of served packets, at most {} are checked for", served.size(),
                            served_max));
  for (const auto& rule : served) {
    if (rule.ip_version != 4 && rule.ip_version != 6)
      return fail(Errc::out_of_range, fmt::format("IP version {}", rule.ip_version));
    if (!rule.destination) continue;
    const unsigned bits = model::address_bits(*rule.destination);
    if (bits != (rule.ip_version == 4 ? 32U : 128U) || rule.prefix_length > bits)
      return fail(Errc::out_of_range, fmt::format("{}/{} is no network of IP version {}",
                                                  model::to_text(*rule.destination),
                                                  rule.prefix_length, rule.ip_version));
  }
  return {};
}

}  // namespace

Result<std::vector<bpf_insn>> xdp_filter(const ServedList& served, int sockets) {
  if (auto fine = check(served); !fine) return fail(std::move(fine.error()));
  Assembler out;
  if (served.empty()) {
    out.copy(context, r1);
    end(out, sockets);
    return out.finished();
  }
  find_network_header(out);
  out.place(Label::ipv4);
  find_ipv4_port(out);
  judge(out, served, 4);
  out.place(Label::ipv6);
  find_ipv6_port(out);
  judge(out, served, 6);
  end(out, sockets);
  return out.finished();
}

}  // namespace lobo::adapters::packet_io
