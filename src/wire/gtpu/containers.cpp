#include "wire/gtpu/containers.hpp"

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "model/pdu_set.hpp"
#include "wire/gtpu/bits.hpp"

namespace lobo::gtpu {
namespace {

constexpr std::uint8_t pdu_type_dl = 0;
constexpr std::uint8_t pdu_type_ul = 1;
constexpr std::uint8_t qfi_mask = 0x3F;
constexpr std::uint8_t paging_policy_shift = 5;

std::uint8_t flag(bool set, std::uint8_t bit) { return set ? bit : std::uint8_t{0}; }

std::uint8_t octet(unsigned value) { return static_cast<std::uint8_t>(value); }

NotContainer ended(const ByteReader& in) {
  return in.ok() ? NotContainer::it_is : NotContainer::cut;
}

// Reads a field if its flag is set.
std::optional<std::uint32_t> be24_if(ByteReader& in, bool present) {
  return present ? std::optional(in.be24()) : std::nullopt;
}
std::optional<std::uint32_t> be32_if(ByteReader& in, bool present) {
  return present ? std::optional(in.be32()) : std::nullopt;
}
std::optional<std::uint16_t> be16_if(ByteReader& in, bool present) {
  return present ? std::optional(in.be16()) : std::nullopt;
}

// The fields that an octet of new flags announces (clause 5.5.2.2 and annex A).
NotContainer read_new_fields(ByteReader& in, const ContainerRules& rules, UlSession& session) {
  const Bits bits = bits_of(rules.release);
  const unsigned flags = in.u8();
  const unsigned known = 0U | bits.new_d1_ul_pdcp_delay | bits.new_ul_congestion |
                         bits.new_dl_congestion | bits.new_ul_bitrate | bits.new_dl_bitrate;
  if ((flags & ~known) != 0) return NotContainer::unknown_new_fields;
  if ((flags & bits.new_d1_ul_pdcp_delay) != 0) session.d1_ul_pdcp_delay = in.u8();
  session.ul_congestion = be16_if(in, (flags & bits.new_ul_congestion) != 0);
  session.dl_congestion = be16_if(in, (flags & bits.new_dl_congestion) != 0);
  session.ul_bitrate = be32_if(in, (flags & bits.new_ul_bitrate) != 0);
  session.dl_bitrate = be32_if(in, (flags & bits.new_dl_bitrate) != 0);
  return NotContainer::it_is;
}

void write_new_fields(ByteWriter& out, const UlSession& session, const Bits& bits) {
  const bool ul_congestion = session.ul_congestion && bits.new_ul_congestion != 0;
  const bool dl_congestion = session.dl_congestion && bits.new_dl_congestion != 0;
  const bool ul_bitrate = session.ul_bitrate && bits.new_ul_bitrate != 0;
  const bool dl_bitrate = session.dl_bitrate && bits.new_dl_bitrate != 0;
  out.u8(octet(0U | flag(session.d1_ul_pdcp_delay.has_value(), bits.new_d1_ul_pdcp_delay) |
               flag(ul_congestion, bits.new_ul_congestion) |
               flag(dl_congestion, bits.new_dl_congestion) | flag(ul_bitrate, bits.new_ul_bitrate) |
               flag(dl_bitrate, bits.new_dl_bitrate)));
  if (session.d1_ul_pdcp_delay) out.u8(*session.d1_ul_pdcp_delay);
  if (ul_congestion) out.be16(*session.ul_congestion);
  if (dl_congestion) out.be16(*session.dl_congestion);
  if (ul_bitrate) out.be32(*session.ul_bitrate);
  if (dl_bitrate) out.be32(*session.dl_bitrate);
}

bool has_new_fields(const UlSession& session, const Bits& bits) {
  return session.d1_ul_pdcp_delay || (session.ul_congestion && bits.new_ul_congestion != 0) ||
         (session.dl_congestion && bits.new_dl_congestion != 0) ||
         (session.ul_bitrate && bits.new_ul_bitrate != 0) ||
         (session.dl_bitrate && bits.new_dl_bitrate != 0);
}

}  // namespace

void write_dl_session(ByteWriter& out, const DlSession& session, Release release) noexcept {
  const Bits bits = bits_of(release);
  const bool burst = session.burst_size && bits.bssi != 0;
  const bool next = session.time_to_next_burst && bits.ttnbi != 0;
  const bool third_octet = session.paging_policy || burst || next;
  out.u8(octet(unsigned{pdu_type_dl} << 4U | flag(session.sending_time.has_value(), bits.dl_qmp) |
               flag(session.qfi_sequence_number.has_value(), bits.dl_snp) |
               flag(session.mbs_qfi_sequence_number.has_value(), bits.dl_msnp)));
  out.u8(octet(0U | flag(third_octet, bits.ppp) | flag(session.reflective_qos, bits.rqi) |
               (session.qfi & qfi_mask)));
  if (third_octet)
    out.u8(octet(unsigned{session.paging_policy.value_or(0)} << paging_policy_shift |
                 flag(burst, bits.bssi) | flag(next, bits.ttnbi)));
  if (session.sending_time) out.be64(*session.sending_time);
  if (session.qfi_sequence_number) out.be24(*session.qfi_sequence_number);
  if (session.mbs_qfi_sequence_number) out.be32(*session.mbs_qfi_sequence_number);
  if (burst) out.be24(*session.burst_size);
  if (next) out.be16(*session.time_to_next_burst);
}

NotContainer read_dl_session(Bytes content, Release release, DlSession& session) noexcept {
  const Bits bits = bits_of(release);
  ByteReader in(content);
  const unsigned first = in.u8();
  const unsigned second = in.u8();
  if (!in.ok()) return NotContainer::cut;
  if (first >> 4U != pdu_type_dl) return NotContainer::pdu_type;
  DlSession read;
  read.qfi = octet(second & qfi_mask);
  read.reflective_qos = (second & bits.rqi) != 0;
  unsigned third = 0;
  if ((second & bits.ppp) != 0) {
    third = in.u8();
    // The octet is there for the sake of burst fields as well: then 0 is what a sender writes that
    // has no paging policy to tell.
    const bool for_burst = (third & (0U | bits.bssi | bits.ttnbi)) != 0;
    const std::uint8_t policy = octet(third >> paging_policy_shift);
    if (!for_burst || policy != 0) read.paging_policy = policy;
  }
  if ((first & bits.dl_qmp) != 0) read.sending_time = in.be64();
  read.qfi_sequence_number = be24_if(in, (first & bits.dl_snp) != 0);
  read.mbs_qfi_sequence_number = be32_if(in, (first & bits.dl_msnp) != 0);
  read.burst_size = be24_if(in, (third & bits.bssi) != 0);
  read.time_to_next_burst = be16_if(in, (third & bits.ttnbi) != 0);
  if (in.ok()) session = read;
  return ended(in);
}

void write_ul_session(ByteWriter& out, const UlSession& session, Release release) noexcept {
  const Bits bits = bits_of(release);
  const bool more = has_new_fields(session, bits);
  out.u8(octet(unsigned{pdu_type_ul} << 4U | flag(session.time_stamps.has_value(), bits.ul_qmp) |
               flag(session.dl_delay.has_value(), bits.dl_delay) |
               flag(session.ul_delay.has_value(), bits.ul_delay) |
               flag(session.qfi_sequence_number.has_value(), bits.ul_snp)));
  out.u8(octet(0U | flag(session.n3_n9_delay.has_value(), bits.n3_n9_delay) |
               flag(more, bits.new_ie) | (session.qfi & qfi_mask)));
  if (session.time_stamps)
    for (const std::uint64_t stamp : *session.time_stamps) out.be64(stamp);
  if (session.dl_delay) out.be32(*session.dl_delay);
  if (session.ul_delay) out.be32(*session.ul_delay);
  if (session.qfi_sequence_number) out.be24(*session.qfi_sequence_number);
  if (session.n3_n9_delay) out.be32(*session.n3_n9_delay);
  if (more) write_new_fields(out, session, bits);
}

NotContainer read_ul_session(Bytes content, const ContainerRules& rules,
                             UlSession& session) noexcept {
  if (!rules.uplink_reports) return NotContainer::not_enabled;
  const Bits bits = bits_of(rules.release);
  ByteReader in(content);
  const unsigned first = in.u8();
  const unsigned second = in.u8();
  if (!in.ok()) return NotContainer::cut;
  if (first >> 4U != pdu_type_ul) return NotContainer::pdu_type;
  UlSession read;
  read.qfi = octet(second & qfi_mask);
  if ((first & bits.ul_qmp) != 0) {
    std::array<std::uint64_t, 3> stamps{};
    for (std::uint64_t& stamp : stamps) stamp = in.be64();
    read.time_stamps = stamps;
  }
  read.dl_delay = be32_if(in, (first & bits.dl_delay) != 0);
  read.ul_delay = be32_if(in, (first & bits.ul_delay) != 0);
  read.qfi_sequence_number = be24_if(in, (first & bits.ul_snp) != 0);
  read.n3_n9_delay = be32_if(in, (second & bits.n3_n9_delay) != 0);
  if ((second & bits.new_ie) != 0) {
    const NotContainer fault = read_new_fields(in, rules, read);
    if (fault != NotContainer::it_is) return fault;
  }
  if (in.ok()) session = read;
  return ended(in);
}

void write_pdu_set_information(ByteWriter& out, std::uint8_t qfi, const PduSetMark& mark) noexcept {
  const std::uint64_t information = pdu_set_information(qfi, mark);
  out.be32(static_cast<std::uint32_t>(information >> 32U));
  out.u8(static_cast<std::uint8_t>(information >> 24U));
  if (mark.pdu_set_size) out.be24(static_cast<std::uint32_t>(information));
}

NotContainer read_pdu_set_information(Bytes content, PduSetInformation& information) noexcept {
  const Bits bits;
  ByteReader in(content);
  const unsigned first = in.u8();
  const std::uint16_t flow_and_set = in.be16();
  const std::uint8_t importance = in.u8();
  const std::uint8_t number = in.u8();
  if (!in.ok()) return NotContainer::cut;
  if (first >> 4U != pdu_type_dl) return NotContainer::pdu_type;
  PduSetInformation read;
  read.qfi = octet(flow_and_set >> 10U);
  read.mark.end_of_data_burst = (first & bits.edb) != 0;
  read.mark.end_of_pdu_set = (first & bits.epdu) != 0;
  read.mark.psi = Psi::low_bits_of(importance);
  read.mark.pssn = Pssn::wrapped(flow_and_set);
  read.mark.psn = Psn::wrapped(number);
  read.mark.pdu_set_size = be24_if(in, (first & bits.pssi) != 0);
  if (in.ok()) information = read;
  return ended(in);
}

}  // namespace lobo::gtpu
