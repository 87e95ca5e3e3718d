#pragma once
// First stage: where the user's packet lies in the frame, and what it is told apart by. On N6 that
// is the packet in the frame; on N3 it is in a tunnel, and what is none of a user's ends here.

#include <span>

#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_counters.hpp"
#include "dataplane/stages/signalling.hpp"

namespace lobo::dataplane {

void parse_n6(std::span<Passage> passages, const Turn& turn, PathCounters& counters) noexcept;

void parse_n3(std::span<Passage> passages, const Turn& turn, Signalling& signalling,
              PathCounters& counters) noexcept;

}  // namespace lobo::dataplane
