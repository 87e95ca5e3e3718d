#pragma once
// Which packets of an RTP stream make a PDU Set, and what to write into each: PSSN, PSN, E, D, PSI,
// PSSize, NPDS, BSize, TTNB. A number that tells of packets to come needs them: the marker looks
// ahead by one access unit at most, so that a stream of any length is marked in constant memory.
// How far it looks is what a live stream pays for in delay, and is its sender's choice.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/importance.hpp"
#include "model/pdu_set.hpp"
#include "wire/rtp/h265.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::dataplane {

/// Packets that may wait for the end of their access unit: 8 MB of them at 1,200 B each. One that
/// has more is cut: its sets end there, with PSSize and NPDS unknown.
inline constexpr std::size_t marker_window_max = 8192;
/// Of so few payloads nobody can say whether they are of the codec.
inline constexpr std::uint64_t payloads_to_judge_min = 8;
/// So many of a burst's first PDUs carry BSize, so that the loss of one does not lose it.
inline constexpr std::size_t burst_size_pdus = 2;

/// Until when a packet waits for its mark.
enum class LookAhead : std::uint8_t {
  /// The next access unit begins: every number is known. For what was recorded.
  next_access_unit,
  /// Its PDU Set ends, which a frame's last packet says by RTP's marker bit and a slice's by its
  /// NAL unit. An access unit is then taken for a data burst of its own, and TTNB is unknown.
  pdu_set,
  /// Nothing: PSSize, NPDS, BSize and TTNB are unknown, and PSI is what the set's packets so far
  /// say, from the first that says anything.
  none,
};

struct MarkerConfig {
  enum class SetIs : std::uint8_t { frame, slice };
  rtp::VideoCodec codec = rtp::VideoCodec::h264;
  SetIs set_is = SetIs::frame;
  LookAhead look_ahead = LookAhead::next_access_unit;
  ImportanceRule importance;
  /// Packets that are further apart than this belong to different data bursts.
  Elapsed burst_gap = std::chrono::milliseconds{2};
  Elapsed ttnb_unit = std::chrono::microseconds{100};
};

/// One RTP packet of a stream.
struct OfferedPdu {
  std::uint32_t rtp_timestamp = 0;
  bool marker = false;
  Bytes payload;            ///< read before offer() returns
  std::uint32_t bytes = 0;  ///< as PSSize counts them: the IP packet's length
  Elapsed at{};
};

/// Marks the packets of one video stream, in their order.
class SetMarker {
 public:
  explicit SetMarker(const MarkerConfig& config);

  /// Takes the next packet. Calls `emit(const PduSetMark&)` for each packet that is now decided,
  /// oldest first: none, or those of an access unit.
  template <class Emit>
  void offer(const OfferedPdu& pdu, Emit&& emit) {
    const Release release = take(pdu);
    for (std::size_t i = 0; i < release.count; ++i) emit(window_[i].mark);
    settle(release);
  }
  /// What waits has waited long enough: it is told now, the open set's PSSize and NPDS unknown.
  /// What follows of its access unit is another set.
  template <class Emit>
  void cut(Emit&& emit) {
    cut_set();
    for (const auto& waiting : window_) emit(waiting.mark);
    settle({window_.size()});
  }
  /// The end of the stream: decides what is left.
  template <class Emit>
  void finish(Emit&& emit) {
    end_set();
    if (!window_.empty()) window_.back().mark.end_of_data_burst = true;
    size_burst();
    for (const auto& waiting : window_) emit(waiting.mark);
    window_.clear();
    set_begin_ = 0;
    begun_ = false;
    burst_whole_ = true;
    if (told_of_set_ > 0) next_set();
  }

  std::size_t waiting() const { return window_.size(); }
  /// More than half of what came is nothing that an encoder of this codec sends: it is most likely
  /// of another one, and its marks say nothing. False of a stream too short to tell.
  bool looks_foreign() const {
    return payloads_ >= payloads_to_judge_min && 2 * payloads_foreign_ > payloads_;
  }

 private:
  struct Waiting {
    PduSetMark mark;
    std::uint32_t bytes = 0;
  };
  struct Release {
    std::size_t count = 0;
  };

  Release take(const OfferedPdu& pdu);
  PduSetMark told_at_once(const OfferedPdu& pdu, bool slice_ended);
  void settle(Release release);
  void begin_access_unit(Elapsed at);
  void end_access_unit();
  void end_set();
  void cut_set();
  void next_set();
  void size_burst();
  bool read_units(const OfferedPdu& pdu);

  MarkerConfig config_;
  std::vector<Waiting> window_;  ///< reserved once; never more than marker_window_max
  std::size_t set_begin_ = 0;    ///< in window_: the first packet of the open set
  std::size_t releasable_ = 0;   ///< in window_: the packets before it are decided
  SetImportance importance_;
  rtp::h265::PictureParameters parameters_;
  Pssn pssn_;
  std::size_t told_of_set_ = 0;  ///< with LookAhead::none: packets of the open set so far
  Psi told_psi_;
  bool begun_ = false;
  bool after_marker_ = false;
  bool burst_whole_ = true;  ///< the window holds the burst from its beginning
  std::uint32_t timestamp_ = 0;
  Elapsed last_at_{};
  std::uint64_t payloads_ = 0;
  std::uint64_t payloads_foreign_ = 0;
};

/// Marks packets that are PDU Sets of their own.
class LoneMarker {
 public:
  explicit LoneMarker(Psi psi) : psi_(psi) {}
  PduSetMark mark(std::uint32_t bytes);

 private:
  Psi psi_;
  Pssn pssn_;
};

}  // namespace lobo::dataplane
