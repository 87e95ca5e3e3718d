#pragma once
// Where the flags of TS 38.415 stand: the one table. Those of Rel-19 in the PDU Session Container
// and all of the PDU Set Information Container were found in one independent implementation each,
// not in the text; whoever has the text corrects them here and nowhere else.

#include <cstdint>

namespace lobo::gtpu {

enum class Release : std::uint8_t { rel17 = 17, rel18 = 18, rel19 = 19 };

struct Bits {
  // DL PDU SESSION INFORMATION (PDU type 0), clause 5.5.2.1
  std::uint8_t dl_qmp = 0x08;   // octet 1: QoS monitoring packet
  std::uint8_t dl_snp = 0x04;   // octet 1: DL QFI sequence number is present
  std::uint8_t dl_msnp = 0x02;  // octet 1: DL MBS QFI sequence number is present
  std::uint8_t ppp = 0x80;      // octet 2: paging policy octet is present
  std::uint8_t rqi = 0x40;      // octet 2: reflective QoS
  std::uint8_t bssi = 0;        // octet 3: burst size is present (Rel-19)
  std::uint8_t ttnbi = 0;       // octet 3: time to next burst is present (Rel-19)
  // UL PDU SESSION INFORMATION (PDU type 1), clause 5.5.2.2
  std::uint8_t ul_qmp = 0x08;
  std::uint8_t dl_delay = 0x04;
  std::uint8_t ul_delay = 0x02;
  std::uint8_t ul_snp = 0x01;
  std::uint8_t n3_n9_delay = 0x80;  // octet 2
  std::uint8_t new_ie = 0x40;       // octet 2: an octet of new flags follows the fields above
  std::uint8_t new_d1_ul_pdcp_delay = 0x01;  // new flags from here on
  std::uint8_t new_ul_congestion = 0;        // Rel-18: hundredths of a percent
  std::uint8_t new_dl_congestion = 0;
  std::uint8_t new_ul_bitrate = 0;  // Rel-19
  std::uint8_t new_dl_bitrate = 0;
  std::uint8_t new_more = 0x80;  // another octet of flags
  // DL PDU SET INFORMATION (PDU type 0), clause 6.5.2.1
  std::uint8_t edb = 0x08;   // octet 1: end of data burst
  std::uint8_t epdu = 0x04;  // octet 1: end PDU of the PDU Set
  std::uint8_t pssi = 0x02;  // octet 1: PDU Set size is present
};

constexpr Bits bits_of(Release release) {
  Bits bits;
  if (release >= Release::rel18) {
    bits.new_ul_congestion = 0x02;
    bits.new_dl_congestion = 0x04;
  }
  if (release >= Release::rel19) {
    bits.bssi = 0x02;
    bits.ttnbi = 0x01;
    bits.new_ul_bitrate = 0x08;
    bits.new_dl_bitrate = 0x10;
  }
  return bits;
}

}  // namespace lobo::gtpu
