#include "wire/xrm/metadata.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "model/pdu_set.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::xrm {
namespace {

constexpr std::uint8_t em_bytes = 3;
constexpr std::uint8_t size_bytes = 3;    // PSSize, BSize
constexpr std::uint8_t number_bytes = 2;  // NPDS, TTNB
constexpr std::uint8_t full_group_bytes = size_bytes + number_bytes;
constexpr std::uint8_t tlv_psn16 = 1;
constexpr std::uint8_t tlv_psn16_bytes = 2;
constexpr std::uint8_t tlv_header_bytes = 2;

constexpr std::uint32_t e_bit = 1U << 23U;
constexpr std::uint32_t r_bits = 3U << 21U;
constexpr std::uint32_t d_bit = 1U << 20U;
constexpr unsigned psi_shift = 16;
constexpr unsigned pssn_shift = 6;

constexpr std::uint32_t size24(std::uint32_t size) { return size <= pdu_set_size_max ? size : 0; }

std::uint32_t em_of(const PduSetMark& mark) {
  return (mark.end_of_pdu_set ? e_bit : 0U) | (mark.end_of_data_burst ? d_bit : 0U) |
         std::uint32_t{mark.psi.value()} << psi_shift |
         std::uint32_t{mark.pssn.value()} << pssn_shift | std::uint32_t{mark.psn.value()};
}

/// A group of a size and a number, each of which may be absent.
void write_group(ByteWriter& out, const std::optional<std::uint32_t>& size,
                 const std::optional<std::uint16_t>& number) {
  out.u8(static_cast<std::uint8_t>((size ? size_bytes : 0) + (number ? number_bytes : 0)));
  if (size) out.be24(size24(*size));
  if (number) out.be16(*number);
}

/// Reads the fixed part of a group by its length; false where the length has no meaning.
bool read_group(ByteReader& in, std::size_t bytes, std::optional<std::uint32_t>& size,
                std::optional<std::uint16_t>& number) {
  const bool sizes = bytes == size_bytes || bytes == full_group_bytes;
  const bool numbers = bytes == number_bytes || bytes == full_group_bytes;
  if (!sizes && !numbers) return bytes == 0;
  if (sizes) size = in.be24();
  if (numbers) number = in.be16();
  return true;
}

/// Reads one body; each member returns false once `reason` is set.
class BodyReader {
 public:
  BodyReader(Bytes in, Padding padding, Leniency leniency)
      : in_(in), padding_(padding), leniency_(leniency) {}

  tl::expected<Metadata, Unmarked> read() {
    if (mandatory() && optional() && extensible() && end()) return out_;
    return tl::unexpected(reason_);
  }

 private:
  bool refuse(Unmarked reason) {
    reason_ = reason;
    return false;
  }

  bool mandatory() {
    const std::uint8_t length = in_.u8();
    const std::uint32_t em = in_.be24();
    if (!in_.ok()) return refuse(Unmarked::truncated);
    if (!length_rule(length)) return refuse(Unmarked::length_invalid);
    if ((em & r_bits) != 0) out_.warnings.add(Warning::reserved_bits_set);
    out_.mark.end_of_pdu_set = (em & e_bit) != 0;
    out_.mark.end_of_data_burst = (em & d_bit) != 0;
    out_.mark.psi = Psi::low_bits_of(em >> psi_shift);
    out_.mark.pssn = Pssn::wrapped(em >> pssn_shift);
    out_.mark.psn = Psn::wrapped(em);
    return true;
  }

  /// Which reading of the draft the sender had. With Len_EM = 6 its Note "Total-len = Len_EM +
  /// Len_EO + Len_EN" comes true; with 4, the words "total number of bytes for …" do.
  bool length_rule(std::uint8_t len_em) {
    if (len_em == em_bytes) return true;
    lengths_count_themselves_ = true;
    if (leniency_ == Leniency::strict) return false;
    if (len_em == em_bytes + 1) {
      out_.warnings.add(Warning::lengths_count_themselves);
      return true;
    }
    out_.warnings.add(Warning::len_em_counts_kind_and_length);
    return len_em == em_bytes + 3;
  }

  /// The content of the next group.
  bool group(Bytes& content) {
    content = {};
    if (in_.left() == 0) {
      out_.warnings.add(Warning::trailing_groups_omitted);
      return leniency_ == Leniency::lenient || refuse(Unmarked::truncated);
    }
    std::size_t length = in_.u8();
    // "Its value could be zero": then there is no content, whatever the length counts.
    if (lengths_count_themselves_ && length > 0) --length;
    content = in_.bytes(length);
    return in_.ok() || refuse(Unmarked::truncated);
  }

  bool optional() {
    Bytes content;
    if (!group(content)) return false;
    ByteReader eo(content);
    return read_group(eo, content.size(), out_.mark.pdu_set_size, out_.mark.pdus_in_set) ||
           refuse(Unmarked::length_invalid);
  }

  bool extensible() {
    Bytes content;
    if (!group(content)) return false;
    ByteReader en(content);
    const bool with_tlvs = content.size() >= full_group_bytes + tlv_header_bytes;
    const std::size_t fixed = with_tlvs ? full_group_bytes : content.size();
    if (!read_group(en, fixed, out_.mark.burst_size, out_.mark.time_to_next_burst))
      return refuse(Unmarked::length_invalid);
    // Bound: each round takes at least two of at most 254 octets.
    while (en.left() > 0)
      if (!tlv(en)) return false;
    return true;
  }

  bool tlv(ByteReader& en) {
    const std::uint8_t type = en.u8();
    const Bytes value = en.bytes(en.u8());
    if (!en.ok()) return refuse(Unmarked::length_invalid);
    if (type != tlv_psn16) {
      out_.warnings.add(Warning::extension_unknown);
      return true;
    }
    if (value.size() != tlv_psn16_bytes) return refuse(Unmarked::length_invalid);
    if (out_.mark.psn16)
      out_.warnings.add(Warning::extension_repeated);
    else
      out_.mark.psn16 = ByteReader(value).be16();
    return true;
  }

  bool end() {
    const Bytes rest = in_.rest();
    if (rest.empty()) return true;
    const bool zeros =
        std::all_of(rest.begin(), rest.end(), [](std::byte b) { return b == std::byte{}; });
    return (padding_ == Padding::zeros && zeros) || refuse(Unmarked::trailing_octets);
  }

  ByteReader in_;
  Padding padding_;
  Leniency leniency_;
  bool lengths_count_themselves_ = false;
  Metadata out_;
  Unmarked reason_ = Unmarked::truncated;
};

}  // namespace

void write_body(ByteWriter& out, const PduSetMark& mark) {
  out.u8(em_bytes);
  out.be24(em_of(mark));
  write_group(out, mark.pdu_set_size, mark.pdus_in_set);
  if (!mark.psn16) {
    write_group(out, mark.burst_size, mark.time_to_next_burst);
    return;
  }
  out.u8(full_group_bytes + tlv_header_bytes + tlv_psn16_bytes);
  out.be24(size24(mark.burst_size.value_or(0)));
  out.be16(mark.time_to_next_burst.value_or(ttnb_unknown));
  out.u8(tlv_psn16);
  out.u8(tlv_psn16_bytes);
  out.be16(*mark.psn16);
}

tl::expected<Metadata, Unmarked> read_body(Bytes in, Padding padding, Leniency leniency) {
  return BodyReader(in, padding, leniency).read();
}

}  // namespace lobo::xrm
