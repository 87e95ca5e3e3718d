#pragma once
// Fourth stage, downlink: which PDU Set a marked packet belongs to. Called for one packet right
// before it is policed: a batch may have more sets than a tracker remembers, when each packet is a
// set of its own.

#include <algorithm>
#include <cstdint>

#include "dataplane/elapsed.hpp"
#include "dataplane/rules/path_state.hpp"
#include "dataplane/rules/treatment.hpp"
#include "dataplane/set_tracker.hpp"
#include "dataplane/stages/passage.hpp"

namespace lobo::dataplane {

/// What a policer decided about a set, in TrackedSet::queue_set: two bits, and the octets that are
/// reserved for what has not come yet. A set that is new has all bits set: undecided.
class SetAdmission {
 public:
  enum class State : std::uint32_t { admitted = 0, borrowed = 1, refused = 2, undecided = 3 };
  static constexpr std::uint32_t reserved_max = (1U << 30U) - 1;

  constexpr explicit SetAdmission(std::uint32_t bits) : bits_(bits) {}
  constexpr SetAdmission(State state, std::uint32_t reserved)
      : bits_(static_cast<std::uint32_t>(state) << 30U | std::min(reserved, reserved_max)) {}
  constexpr State state() const { return static_cast<State>(bits_ >> 30U); }
  constexpr std::uint32_t reserved() const {
    return state() == State::admitted ? bits_ & reserved_max : 0;
  }
  constexpr std::uint32_t bits() const { return bits_; }

 private:
  std::uint32_t bits_;
};
static_assert(SetAdmission(no_queue_set).state() == SetAdmission::State::undecided);

/// A set that is forgotten gives back what it had reserved.
struct Unreserve {
  ShareState* share;
  void operator()(const TrackedSet& set) const {
    if (share == nullptr) return;
    const std::uint64_t reserved = SetAdmission(set.queue_set).reserved();
    share->reserved -= std::min(share->reserved, reserved);
  }
};

/// Null for a packet without a marking, and for one of a set that is forgotten.
inline TrackedSet* track(Passage& passage, Elapsed now) noexcept {
  const Treatment& rule = *passage.treatment;
  if (!passage.marked || rule.tracker == nullptr) return nullptr;
  ShareState* const share = rule.sets == nullptr ? nullptr : rule.sets->share;
  const auto tracked = rule.tracker->track(passage.mark, passage.rtp_sequence, passage.octets, now,
                                           Unreserve{share});
  passage.arrival = tracked.arrival;
  return tracked.set;
}

}  // namespace lobo::dataplane
