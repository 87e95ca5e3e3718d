#pragma once
// Second stage: which session, and which of its rules by precedence. In three rounds over the
// batch, each of which has the lines of the next one on their way: the index, the session's rules,
// what the rule that matched asks for.

#include <span>

#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/signalling.hpp"

namespace lobo::dataplane {

void classify_downlink(std::span<Passage> passages, const Turn& turn) noexcept;
void classify_uplink(std::span<Passage> passages, const Turn& turn,
                     Signalling& signalling) noexcept;

}  // namespace lobo::dataplane
