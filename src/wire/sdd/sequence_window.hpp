#pragma once
// Which of the last 1,024 states of a component have come: what removes the second copy of a state
// that went two ways, and what no publisher can have sent yet.

#include <algorithm>
#include <bitset>
#include <cstddef>
#include <cstdint>

#include "wire/sdd/types.hpp"

namespace lobo::sdd {

inline constexpr std::size_t sequence_window = 1024;
/// So far ahead no publisher is that lost some: eighteen minutes at 60 Hz.
inline constexpr std::int32_t sequence_jump_max = 65'536;

enum class Arrival : std::uint8_t {
  newest,     ///< later than all before
  late,       ///< for the first time, but a later one came before it
  duplicate,  ///< seen already
  too_old,    ///< before the window; nobody remembers whether it came
  too_far,    ///< ahead of what can be
};

class SequenceWindow {
 public:
  /// What take() would say.
  Arrival look(Sequence seq) const {
    if (!started_) return Arrival::newest;
    const std::int32_t ahead = distance(seq, newest_);
    if (ahead > sequence_jump_max) return Arrival::too_far;
    if (ahead > 0) return Arrival::newest;
    if (ahead <= -static_cast<std::int32_t>(sequence_window)) return Arrival::too_old;
    return seen_[seq % sequence_window] ? Arrival::duplicate : Arrival::late;
  }

  Arrival take(Sequence seq) {
    const Arrival arrival = look(seq);
    if (arrival == Arrival::newest) advance_to(seq);
    if (arrival == Arrival::newest || arrival == Arrival::late) seen_[seq % sequence_window] = true;
    return arrival;
  }

  bool started() const { return started_; }
  Sequence newest() const { return newest_; }
  void clear() { *this = SequenceWindow(); }

 private:
  void advance_to(Sequence seq) {
    const std::uint32_t steps = started_ ? seq - newest_ : sequence_window;
    const auto forgotten = std::min<std::uint32_t>(steps, sequence_window);
    for (std::uint32_t i = 0; i < forgotten; ++i) seen_[(seq - i) % sequence_window] = false;
    newest_ = seq;
    started_ = true;
  }

  std::bitset<sequence_window> seen_;
  Sequence newest_ = 0;
  bool started_ = false;
};

}  // namespace lobo::sdd
