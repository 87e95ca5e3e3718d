// Writes random marked packets to standard output, with what they say, for an independent reader:
//
//   xrm_emitter KEYFILE COUNT SEED
//
// KEYFILE is written first: contexts of all algorithms, tags and bindings. A packet is a record:
// length of the surplus area (16 bits), UDP header (8 octets), surplus area, expectation (28
// octets: see `expect` below). All numbers are big-endian.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "adapters/aead/choose.hpp"
#include "base/bytes.hpp"
#include "base/require.hpp"
#include "base/rng.hpp"
#include "model/pdu_set.hpp"
#include "wire/udp_options/edit.hpp"
#include "wire/udp_options/surplus.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/key_file.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/option.hpp"
#include "wire/xrm/protected.hpp"
#include "wire/xrm/sender.hpp"

namespace lobo {
namespace {

constexpr std::size_t contexts = 12;
constexpr std::size_t record_bytes_max = 256;

class Emitter {
 public:
  explicit Emitter(std::uint64_t seed) : rng_(seed) {
    for (std::size_t i = 0; i < contexts; ++i) {
      xrm::ContextSettings one{.key_id = static_cast<xrm::KeyId>(20 * i),
                               .algorithm = static_cast<xrm::Algorithm>(1 + i % 3)};
      one.key = *xrm::Key::from(random(xrm::key_bytes(one.algorithm)));
      std::ranges::copy(random(one.iv.size()), one.iv.begin());
      if ((i / 3) % 2 == 1) one.tag = xrm::TagLength::short_;
      if (i / 6 == 1) one.bind = xrm::Bind::length;
      keys_.contexts.push_back(one);
      const auto sid = static_cast<xrm::SenderId>(bits(16));
      senders_.push_back({sid, *xrm::Sender::create(*xrm::Context::create(one, *crypto_), sid,
                                                    static_cast<std::uint32_t>(bits(30)))});
    }
  }

  const xrm::KeyFile& keys() const { return keys_; }

  /// One record.
  Bytes packet(MutableBytes place) {
    const PduSetMark mark = any_mark();
    std::array<std::byte, 8> udp;
    ByteWriter udp_writer(udp);
    udp_writer.be64(rng_.next());
    const std::uint16_t udp_length = read_be16(std::span(udp).subspan<4, 2>());
    const auto checksum = read_be16(std::span(udp).subspan<6, 2>());

    std::array<std::byte, xrm::protected_sent_max> body;
    const std::uint64_t chosen = rng_.below(2 * contexts);
    const bool sealed = chosen < contexts;
    const std::size_t size =
        sealed ? seal(senders_[chosen].second, mark, udp, body) : write_clear(mark, body);
    ByteWriter out(place);
    out.be16(0);
    out.bytes(udp);
    const std::size_t begin = out.position();
    const bool odd = udp_length % 2 == 1;
    if (odd) out.u8(0);
    out.be16(0);
    write_options(out, Bytes(body).first(size));
    const MutableBytes area = out.written().subspan(begin);
    // A datagram without a UDP checksum needs no OCS; both are sent then and now.
    const std::uint16_t ocs =
        checksum == 0 && bits(1) == 0 ? std::uint16_t{0} : udp_options::option_checksum(area, odd);
    ByteWriter(area.subspan(odd ? 1 : 0)).be16(ocs);
    ByteWriter(place).be16(static_cast<std::uint16_t>(area.size()));
    expect(out, mark, sealed ? &senders_[chosen] : nullptr);
    require(out.ok());
    return out.written();
  }

 private:
  using Named = std::pair<xrm::SenderId, xrm::Sender>;

  std::uint64_t bits(unsigned count) { return rng_.next() >> (64U - count); }
  std::vector<std::byte> random(std::size_t bytes) {
    std::vector<std::byte> out(bytes);
    for (std::byte& b : out) b = static_cast<std::byte>(bits(8));
    return out;
  }
  template <class Number>
  std::optional<Number> maybe(unsigned width) {
    if (bits(1) == 0) return std::nullopt;
    return static_cast<Number>(bits(width));
  }

  PduSetMark any_mark() {
    PduSetMark mark{.end_of_pdu_set = bits(1) == 1,
                    .end_of_data_burst = bits(1) == 1,
                    .psi = Psi::low_bits_of(static_cast<std::uint32_t>(bits(4))),
                    .pssn = Pssn::wrapped(bits(10)),
                    .psn = Psn::wrapped(bits(6)),
                    .pdu_set_size = maybe<std::uint32_t>(24),
                    .pdus_in_set = maybe<std::uint16_t>(16),
                    .burst_size = maybe<std::uint32_t>(24),
                    .time_to_next_burst = maybe<std::uint16_t>(16)};
    if (bits(2) == 0) mark.psn16 = static_cast<std::uint16_t>(bits(16));
    return mark;
  }

  static std::size_t write_clear(const PduSetMark& mark, MutableBytes body) {
    ByteWriter out(body);
    xrm::write_body(out, mark);
    return out.position();
  }
  static std::size_t seal(xrm::Sender& sender, const PduSetMark& mark, xrm::UdpHeader udp,
                          MutableBytes body) {
    const auto bytes = sender.seal(mark, udp, body);
    require(bytes.has_value());
    return *bytes;
  }

  /// The XRM option, EXP or of kind 100, among others.
  void write_options(ByteWriter& out, Bytes body) {
    if (bits(2) == 0) udp_options::write_mds(out, 1400);
    if (bits(2) == 0) udp_options::write_nop(out);
    if (bits(3) == 0) udp_options::write_experiment(out, 0x1234, random(5));
    xrm::write_option(out, bits(1) == 0 ? xrm::OptionKind() : *xrm::OptionKind::safe(100), body);
    if (bits(2) == 0) udp_options::write_time(out, {.value = 1, .echo_reply = 2});
    if (bits(1) == 0) {
      udp_options::write_eol(out);
      out.zeros(rng_.below(4));
    }
  }

  static void expect(ByteWriter& out, const PduSetMark& mark, const Named* sender) {
    const auto flag = [](bool set, unsigned bit) { return set ? 1U << bit : 0U; };
    out.u8(static_cast<std::uint8_t>(
        flag(mark.end_of_pdu_set, 0) | flag(mark.end_of_data_burst, 1) |
        flag(mark.pdu_set_size.has_value(), 2) | flag(mark.pdus_in_set.has_value(), 3) |
        flag(mark.burst_size.has_value(), 4) | flag(mark.time_to_next_burst.has_value(), 5) |
        flag(mark.psn16.has_value(), 6) | flag(sender != nullptr, 7)));
    out.u8(mark.psi.value());
    out.be16(mark.pssn.value());
    out.u8(static_cast<std::uint8_t>(mark.psn.value()));
    out.be32(mark.pdu_set_size.value_or(0));
    out.be16(mark.pdus_in_set.value_or(0));
    out.be32(mark.burst_size.value_or(0));
    out.be16(mark.time_to_next_burst.value_or(0));
    out.be16(mark.psn16.value_or(0));
    out.u8(sender == nullptr ? std::uint8_t{0}
                             : static_cast<std::uint8_t>(sender->second.key_id()));
    out.be16(sender == nullptr ? std::uint16_t{0} : static_cast<std::uint16_t>(sender->first));
    out.be32(sender == nullptr ? 0 : sender->second.next_counter() - 1);
  }

  SeededRng rng_;
  std::unique_ptr<xrm::Crypto> crypto_ = adapters::aead::make_fastest();
  xrm::KeyFile keys_;
  std::vector<Named> senders_;
};

int emit(const char* key_file, std::uint64_t count, std::uint64_t seed) {
  Emitter emitter(seed);
  std::ofstream(key_file) << xrm::write_key_file(emitter.keys());
  std::array<std::byte, record_bytes_max> place;
  for (std::uint64_t i = 0; i < count; ++i) {
    const Bytes record = emitter.packet(place);
    if (std::fwrite(record.data(), 1, record.size(), stdout) != record.size()) return 1;
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace lobo

int main(int count, char** words) {
  if (count != 4) {
    std::fputs("xrm_emitter KEYFILE COUNT SEED\n", stderr);
    return 2;
  }
  return lobo::emit(words[1], std::strtoull(words[2], nullptr, 10),
                    std::strtoull(words[3], nullptr, 10));
}
