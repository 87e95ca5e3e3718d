#pragma once
// What a G-PDU tells the gNB beside the packet (TS 38.415), and what in that is odd: a closed list
// of names. An oddity is counted and costs no packet.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "model/pdu_set.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/packet.hpp"

namespace lobo::dataplane {

enum class Oddity : std::uint8_t {
  no_session_container,      ///< a G-PDU without 0x85
  session_container_unread,  ///< 0x85 that is no DL PDU SESSION INFORMATION
  qfi_unknown,               ///< a QoS flow that the PDU session does not have
  set_without_session,       ///< 0x04 or 0x86 without a readable 0x85
  set_container_unread,      ///< 0x04 or 0x86 that is no DL PDU SET INFORMATION
  qfi_differs,               ///< the two containers name different QoS flows
  pssn_skipped,              ///< PDU Sets whose number never came
  set_with_holes,            ///< PDUs of a set never came
  end_missing,               ///< a set that ended without E
  behind_end,                ///< a PDU with a PSN behind that of E
  duplicate,                 ///< a PSN that came twice
  late,                      ///< a PDU of a set that is forgotten
  size_differs,              ///< the octets of a whole set are not its PSSize
  size_changed,              ///< PDUs of one set say different sizes
  importance_changed,        ///< or importances
};
inline constexpr std::size_t oddities_count = 15;
constexpr std::string_view to_string(Oddity oddity) {
  switch (oddity) {
    case Oddity::no_session_container: return "no_session_container";
    case Oddity::session_container_unread: return "session_container_unread";
    case Oddity::qfi_unknown: return "qfi_unknown";
    case Oddity::set_without_session: return "set_without_session";
    case Oddity::set_container_unread: return "set_container_unread";
    case Oddity::qfi_differs: return "qfi_differs";
    case Oddity::pssn_skipped: return "pssn_skipped";
    case Oddity::set_with_holes: return "set_with_holes";
    case Oddity::end_missing: return "end_missing";
    case Oddity::behind_end: return "behind_end";
    case Oddity::duplicate: return "duplicate";
    case Oddity::late: return "late";
    case Oddity::size_differs: return "size_differs";
    case Oddity::size_changed: return "size_changed";
    case Oddity::importance_changed: return "importance_changed";
  }
  std::abort();
}

class Oddities {
 public:
  void add(Oddity oddity, std::uint64_t count = 1) {
    counts_[static_cast<std::size_t>(oddity)] += count;
  }
  std::uint64_t of(Oddity oddity) const { return counts_[static_cast<std::size_t>(oddity)]; }

 private:
  std::array<std::uint64_t, oddities_count> counts_{};
};

/// One bit for each oddity of a single packet.
using OddityBits = std::uint32_t;
constexpr OddityBits bit_of(Oddity oddity) { return 1U << static_cast<unsigned>(oddity); }
static_assert(oddities_count <= 32);

struct Conveyed {
  std::optional<std::uint8_t> qfi;
  std::optional<PduSetMark> mark;
  std::optional<std::uint64_t> sending_time;  ///< of QoS monitoring: to be answered
  OddityBits odd = 0;
};

/// Of a G-PDU. A mark is believed only beside a readable 0x85, of the same QoS flow.
Conveyed read_conveyed(const gtpu::GtpuView& message, gtpu::Release release) noexcept;

}  // namespace lobo::dataplane
