#pragma once
// What is done with the packets of a PDR, compiled from its FAR, QERs, URRs and protocol
// description, so that a packet touches two cache lines of it and what those point to. Immutable
// but for what path_state.hpp holds.
//
// Which rates hold. A QER's MBR is policed at the PDR's direction for every PDR that names it, so
// that a QER which several PDRs name limits their sum (Session-AMBR, TS 23.501 clause 5.7.2.6).
// Session-AMBR does not cover GBR flows (clause 5.7.1.8): a QER without a GBR that PDRs outside any
// GBR flow name too is such an aggregate, and PDRs with a GBR pass it by. They are limited by the
// MBR beside their GBR, and a flood in the aggregate cannot take their rate.

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/rules/path_state.hpp"
#include "dataplane/rules/token_bucket.hpp"
#include "dataplane/rules/usage_meter.hpp"
#include "dataplane/set_queue.hpp"
#include "dataplane/set_tracker.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {

struct Rule;

/// A bucket holds this part of the averaging window (TS 23.501 clause 5.7.3.6), which is 2 s where
/// none is set: 100 ms at the MBR. Over any averaging window no flow passes more than 105 %.
inline constexpr double bucket_part_of_window = 1.0 / 20;
/// With PDU Set handling 250 ms: a bucket has to take an I picture one and a half times.
inline constexpr double set_bucket_part_of_window = 1.0 / 8;
inline constexpr pfcp::Milliseconds32 averaging_window_default{2000};
inline constexpr pfcp::Milliseconds32 averaging_window_min{100};
inline constexpr pfcp::Milliseconds32 averaging_window_max{10'000};
/// A bucket begins with this part, so that the first second has its rate and not 110 % of it.
inline constexpr double bucket_first_part = 1.0 / 10;

/// A QER's MBR in the direction of one PDR.
struct PolicerUse {
  TokenBucket* bucket = nullptr;
  BucketLimits limits;
  bool shared = false;  ///< by several PDRs of that direction
};

/// A URR of one PDR.
struct MeterUse {
  UsageMeter* meter = nullptr;
  pfcp::UrrId id;
  bool before_qos = false;  ///< MBQE: what policers drop counts too
};

/// The MBR of a QER with PDU Set handling, seen from one of the PDRs that name it: each has an even
/// part of the rate for its own, and may borrow what the others leave.
struct SetPolicing {
  ShareState* share = nullptr;
  QerState* qer = nullptr;
  BucketLimits share_limits;
  BucketLimits whole_limits;
  BucketLimits guaranteed_limits;  ///< depth 0: no GBR
  bool alone = true;               ///< one PDR: its part is the whole
};

/// Where a packet's marking is found.
enum class MarkSource : std::uint8_t { none, rtp_extension, udp_option };

struct alignas(64) Treatment {
  enum class Action : std::uint8_t { drop, forward, buffer };
  enum class To : std::uint8_t { nowhere, n3, n6 };
  static constexpr std::uint8_t no_paging_policy = 0xFF;
  /// Of one session: what a BAR suggests (at most this), else the usual number.
  static constexpr std::uint16_t buffered_packets_max = 255;
  static constexpr std::uint16_t buffered_packets_usual = 64;

  const Rule* rule = nullptr;
  // Where to.
  Action action = Action::drop;
  To to = To::nowhere;
  bool notify = false;  ///< of what is buffered
  std::uint8_t peer_version = 0;
  std::uint32_t teid = 0;
  std::uint64_t peer_high = 0;
  std::uint64_t peer_low = 0;
  // The QoS flow.
  std::uint8_t qfi = 0;
  bool has_qfi = false;
  bool gate_open = true;
  bool reflective = false;
  std::uint8_t paging_policy = no_paging_policy;
  bool number_pdus = false;         ///< IQFISN
  bool mark_sets = false;           ///< PDUSM
  bool mark_burst_end = false;      ///< EDBMI
  bool tell_burst_size = false;     ///< DBSMI
  bool tell_time_to_burst = false;  ///< TNBMI
  /// Nothing of the above that differs by packet, no paging policy, no monitoring: the container
  /// says the QFI alone.
  bool tells_flow_alone = false;
  // The marking.
  MarkSource source = MarkSource::none;
  bool is_rtp = false;              ///< the RTP header is readable, as that of SRTP is
  bool padding_is_readable = true;  ///< it is not SRTP
  std::uint8_t extension_id = 0;
  std::uint8_t extension_form = 0;                       ///< 1: one-byte, 2: two-byte, 0: either
  std::array<std::uint8_t, psi_values> traffic_class{};  ///< of the outer header, by PSI
  // ---- second line
  std::span<const PolicerUse> policers;
  std::span<const MeterUse> meters;
  const SetPolicing* sets = nullptr;
  SetTracker* tracker = nullptr;
  MonitorState* monitor = nullptr;  ///< where this flow is monitored
  QerState* qer = nullptr;          ///< of the QER that has the QFI
  // ---- third line, for what is dropped or buffered
  bool* told = nullptr;  ///< that downlink data came
  DropState* drops = nullptr;
  std::uint16_t buffered_packets = buffered_packets_usual;
};
static_assert(sizeof(Treatment) == 3 * 64);

}  // namespace lobo::dataplane
