#include "dataplane/marker.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/elapsed.hpp"
#include "model/pdu_set.hpp"
#include "wire/rtp/h264.hpp"
#include "wire/rtp/h265.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::dataplane {
namespace {

constexpr std::uint16_t ttnb_unknown = 0xFFFF;
constexpr std::size_t psn_count = Psn::count_of_values;

std::uint16_t ttnb(Elapsed gap, Elapsed unit) {
  const auto units = gap / unit;
  return units < ttnb_unknown ? static_cast<std::uint16_t>(units) : ttnb_unknown;
}

/// A size that 24 bits do not hold is unknown.
std::uint32_t size_or_unknown(std::uint64_t bytes) {
  return bytes <= pdu_set_size_max ? static_cast<std::uint32_t>(bytes) : 0;
}

}  // namespace

SetMarker::SetMarker(const MarkerConfig& config) : config_(config) {
  window_.reserve(marker_window_max + 1);  // a packet enters before those before it leave
}

/// Adds what the packet says to the open set; true where a slice ends in it.
bool SetMarker::read_units(const OfferedPdu& pdu) {
  bool slice_ended = false;
  bool usual = true;
  const auto note = [&](const rtp::NalDescription& unit, const rtp::NalPiece& piece) {
    importance_.add(unit);
    usual = usual && unit.usual;
    slice_ended = slice_ended || (unit.slice_data && piece.last);
  };
  const auto form = config_.codec == rtp::VideoCodec::h264
                        ? rtp::h264::for_each_nal(pdu.payload,
                                                  [&](const rtp::NalPiece& piece) {
                                                    note(rtp::h264::describe(piece), piece);
                                                  })
                        : rtp::h265::for_each_nal(pdu.payload, [&](const rtp::NalPiece& piece) {
                            parameters_.learn(piece);
                            note(rtp::h265::describe(piece, parameters_), piece);
                          });
  ++payloads_;
  if (!form || !usual) ++payloads_foreign_;
  return slice_ended;
}

SetMarker::Release SetMarker::take(const OfferedPdu& pdu) {
  const bool new_access_unit = !begun_ || after_marker_ || pdu.rtp_timestamp != timestamp_;
  if (begun_ && new_access_unit) {
    begin_access_unit(pdu.at);
  } else if (window_.size() == marker_window_max) {
    cut_set();
  }
  begun_ = true;
  after_marker_ = pdu.marker;
  timestamp_ = pdu.rtp_timestamp;
  last_at_ = pdu.at;

  // The packets that are about to leave stand before this one until settle().
  const bool slice_ended = read_units(pdu);
  if (config_.look_ahead == LookAhead::none) {
    window_.push_back({.mark = told_at_once(pdu, slice_ended), .bytes = pdu.bytes});
    releasable_ = set_begin_ = window_.size();
    return {releasable_};
  }
  const std::size_t psn = window_.size() - set_begin_;
  window_.push_back({.mark = {.pssn = pssn_, .psn = Psn::wrapped(psn)}, .bytes = pdu.bytes});
  const bool set_ended = slice_ended && config_.set_is == MarkerConfig::SetIs::slice;
  if (set_ended) end_set();
  if (config_.look_ahead == LookAhead::pdu_set) {
    if (pdu.marker) {
      end_access_unit();
    } else if (set_ended) {
      releasable_ = window_.size();
      burst_whole_ = false;
    }
  }
  return {releasable_};
}

PduSetMark SetMarker::told_at_once(const OfferedPdu& pdu, bool slice_ended) {
  if (!told_psi_.known()) told_psi_ = importance_.psi(config_.importance);
  const bool set_ended =
      pdu.marker || (slice_ended && config_.set_is == MarkerConfig::SetIs::slice);
  const PduSetMark mark{.end_of_pdu_set = set_ended,
                        .end_of_data_burst = pdu.marker,
                        .psi = told_psi_,
                        .pssn = pssn_,
                        .psn = Psn::wrapped(told_of_set_++)};
  if (set_ended) next_set();
  return mark;
}

void SetMarker::settle(Release release) {
  if (release.count == 0) return;
  window_.erase(window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(release.count));
  set_begin_ -= release.count;  // a release ends where a set ends, or before it
  releasable_ = 0;
}

/// Closes the access unit before the packet that arrives at `at`, and its burst if that is over.
void SetMarker::begin_access_unit(Elapsed at) {
  if (told_of_set_ > 0) next_set();  // its last packet, which would have said so, did not come
  if (window_.empty()) return;       // it has left
  end_set();
  const bool apart = at - last_at_ >= config_.burst_gap;
  if (apart || config_.look_ahead == LookAhead::pdu_set) {
    auto& last = window_.back().mark;
    last.end_of_data_burst = true;
    if (apart) last.time_to_next_burst = ttnb(at - last_at_, config_.ttnb_unit);
    size_burst();
    burst_whole_ = true;
  } else {
    burst_whole_ = false;  // its first packets leave before its end is known
  }
  releasable_ = window_.size();
}

/// The access unit ends with the packet that is last in the window.
void SetMarker::end_access_unit() {
  end_set();
  window_.back().mark.end_of_data_burst = true;
  size_burst();
  burst_whole_ = true;
  releasable_ = window_.size();
}

void SetMarker::cut_set() {
  for (std::size_t i = set_begin_; i < window_.size(); ++i) {
    window_[i].mark.pdu_set_size = 0;
    window_[i].mark.pdus_in_set = 0;
    window_[i].mark.psi = importance_.psi(config_.importance);
  }
  if (set_begin_ < window_.size()) next_set();
  releasable_ = set_begin_ = window_.size();
  burst_whole_ = false;
}

void SetMarker::next_set() {
  importance_ = {};
  pssn_ = pssn_.next();
  told_of_set_ = 0;
  told_psi_ = {};
}

void SetMarker::end_set() {
  if (set_begin_ == window_.size()) return;
  const std::size_t count = window_.size() - set_begin_;
  std::uint64_t bytes = 0;
  for (std::size_t i = set_begin_; i < window_.size(); ++i) bytes += window_[i].bytes;
  const Psi psi = importance_.psi(config_.importance);
  for (std::size_t i = 0; i < count; ++i) {
    auto& mark = window_[set_begin_ + i].mark;
    mark.psi = psi;
    mark.pdu_set_size = size_or_unknown(bytes);
    mark.pdus_in_set = static_cast<std::uint16_t>(count);
    if (count > psn_count) mark.psn16 = static_cast<std::uint16_t>(i);
  }
  window_.back().mark.end_of_pdu_set = true;
  next_set();
  set_begin_ = window_.size();
}

/// BSize on the first PDUs of a burst that the window holds as a whole, behind what is decided.
void SetMarker::size_burst() {
  if (!burst_whole_) return;
  const auto burst = std::span(window_).subspan(releasable_);
  std::uint64_t bytes = 0;
  for (const auto& waiting : burst) bytes += waiting.bytes;
  for (auto& waiting : burst.first(std::min(burst.size(), burst_size_pdus)))
    waiting.mark.burst_size = size_or_unknown(bytes);
}

PduSetMark LoneMarker::mark(std::uint32_t bytes) {
  const PduSetMark out{.end_of_pdu_set = true,
                       .psi = psi_,
                       .pssn = pssn_,
                       .pdu_set_size = size_or_unknown(bytes),
                       .pdus_in_set = 1};
  pssn_ = pssn_.next();
  return out;
}

}  // namespace lobo::dataplane
