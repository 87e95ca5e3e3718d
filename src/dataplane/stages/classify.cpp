#include "dataplane/stages/classify.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/rules/match_line.hpp"
#include "dataplane/rules/path_state.hpp"
#include "dataplane/rules/prefetch.hpp"
#include "dataplane/rules/treatment.hpp"
#include "dataplane/rules/usage_meter.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "dataplane/stages/signalling.hpp"

namespace lobo::dataplane {
namespace {

// Lines of rules that are fetched at once; the processor follows the row by itself.
constexpr std::size_t lines_ahead = 4;
// What of a treatment is read for a packet that goes on.
constexpr std::size_t treatment_bytes_ahead = 2 * cache_line_bytes;
static_assert(offsetof(Treatment, policers) == cache_line_bytes &&
              offsetof(Treatment, told) == treatment_bytes_ahead);

/// Also a packet in a tunnel that carries nothing: it reports.
bool is_looked_for(const Passage& passage) {
  return passage.goes_on() || (passage.signal == Signal::empty_packet && !passage.handed_on);
}

/// What packets of a session change is written by one worker, whoever got the packet.
void leave_to_its_worker(Passage& passage, const Turn& turn) {
  if (passage.entry == nullptr) return;
  const std::uint32_t its = passage.entry->split % turn.workers;
  if (its == turn.worker) return;
  passage.handed_on = true;
  passage.handed_to = static_cast<std::uint8_t>(its);
  passage.entry = nullptr;
}

void find_entries(std::span<Passage> passages, const Turn& turn) {
  for (const Passage& passage : passages)
    if (is_looked_for(passage)) turn.rules.prefetch_index(passage.facts);
  for (Passage& passage : passages) {
    if (!is_looked_for(passage)) continue;
    passage.entry = turn.rules.entry_of(passage.facts);
    if (passage.entry != nullptr) fetch(passage.entry);
  }
  if (turn.workers > 1)
    for (Passage& passage : passages) leave_to_its_worker(passage, turn);
  for (const Passage& passage : passages)
    if (passage.entry != nullptr)
      fetch(passage.entry->lines,
            std::min<std::size_t>(passage.entry->count, lines_ahead) * sizeof(MatchLine));
}

void match(Passage& passage) {
  passage.treatment = passage.entry->match(passage.facts);
  if (passage.treatment == nullptr) passage.drop = PathDrop::no_rule;
}

/// The treatments, and what they point to.
void fetch_states(std::span<Passage> passages) {
  for (const Passage& passage : passages)
    if (passage.treatment != nullptr) fetch(passage.treatment, treatment_bytes_ahead);
  for (const Passage& passage : passages) {
    const Treatment* treatment = passage.treatment;
    if (treatment == nullptr) continue;
    if (!treatment->policers.empty()) fetch(treatment->policers.data());
    if (!treatment->meters.empty()) fetch(treatment->meters.data());
    if (treatment->sets != nullptr) fetch(treatment->sets, sizeof(SetPolicing));
    if (treatment->tracker != nullptr) fetch(treatment->tracker);
  }
  for (const Passage& passage : passages) {
    const Treatment* treatment = passage.treatment;
    if (treatment == nullptr) continue;
    for (const PolicerUse& use : treatment->policers) fetch(use.bucket);
    // The control plane writes into these.
    for (const MeterUse& use : treatment->meters) prefetch(use.meter, sizeof(UsageMeter));
    if (treatment->sets == nullptr) continue;
    fetch(treatment->sets->share, sizeof(ShareState));
    fetch(treatment->sets->qer);
  }
}

}  // namespace

void classify_downlink(std::span<Passage> passages, const Turn& turn) noexcept {
  find_entries(passages, turn);
  for (Passage& passage : passages) {
    if (!is_looked_for(passage)) continue;
    if (passage.entry == nullptr) {
      passage.drop = PathDrop::no_session;
    } else {
      match(passage);
    }
  }
  fetch_states(passages);
}

void classify_uplink(std::span<Passage> passages, const Turn& turn,
                     Signalling& signalling) noexcept {
  find_entries(passages, turn);
  for (Passage& passage : passages) {
    if (!is_looked_for(passage)) continue;
    if (passage.entry == nullptr) {
      passage.signal = Signal::none;
      passage.drop = PathDrop::unknown_tunnel;
      signalling.refuse_tunnel(passage, turn);
    } else if (passage.goes_on()) {
      match(passage);
    }
  }
  fetch_states(passages);
}

}  // namespace lobo::dataplane
