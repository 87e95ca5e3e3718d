#include "dataplane/oracle.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/quantity.hpp"
#include "base/require.hpp"
#include "dataplane/elapsed.hpp"
#include "model/pdu_set.hpp"

namespace lobo::dataplane {
namespace {

/// What still decodes when a frame comes.
struct Alive {
  bool chain = false;        ///< all frames since the last random access that are no B frames
  bool reference_b = false;  ///< the last reference B frame since then, or there is none
};
constexpr std::size_t alive_states = 4;
constexpr std::size_t state_of(Alive alive) {
  return (alive.chain ? 2U : 0U) + (alive.reference_b ? 1U : 0U);
}
constexpr Alive alive_of(std::size_t state) { return {(state & 2U) != 0, (state & 1U) != 0}; }

enum class Need : std::uint8_t { nothing, restart, chain, reference_b, leaf };

Need need_of(Psi psi) {
  if (!psi.known()) return Need::nothing;
  if (psi.value() == 1) return Need::restart;
  if (psi.value() <= 3) return Need::chain;
  return psi.value() <= 7 ? Need::reference_b : Need::leaf;
}

bool decodes(Need need, Alive alive) {
  switch (need) {
    case Need::nothing:
    case Need::restart: return true;
    case Need::chain:
    case Need::reference_b: return alive.chain;
    case Need::leaf: return alive.chain && alive.reference_b;
  }
  return false;
}

/// `wary`: nothing that follows decodes without a reference B frame, until it begins anew.
Alive after(Need need, Alive alive, bool taken, bool wary) {
  switch (need) {
    case Need::nothing:
    case Need::leaf: return alive;
    case Need::restart:
    case Need::chain: return {taken, taken};
    case Need::reference_b: return {alive.chain && (taken || !wary), taken};
  }
  return alive;
}

/// What a frame does to the bytes that wait before it: they become max(q + shift, floor) when the
/// next frame comes, and reach max(q + rise, peak) on the way. PDUs that come one after the other
/// compose to this form.
struct Effect {
  double shift = 0;
  double floor = 0;
  double rise = -std::numeric_limits<double>::infinity();
  double peak = 0;

  void drain(double bytes) {
    shift -= bytes;
    floor = std::max(floor - bytes, 0.0);
  }
  void add(double bytes) {
    shift += bytes;
    floor += bytes;
    rise = std::max(rise, shift);
    peak = std::max(peak, floor);
  }
  double level_after(double waiting) const { return std::max(waiting + shift, floor); }
  double highest(double waiting) const { return std::max(waiting + rise, peak); }
};

struct Effects {
  Effect taken;
  Effect skipped;
};

class Programme {
 public:
  Programme(std::span<const OracleFrame> frames, std::span<const OraclePdu> pdus,
            BitsPerSecond rate, double queue_bytes, bool optimistic)
      : frames_(frames),
        queue_bytes_(queue_bytes),
        quantum_(queue_bytes / static_cast<double>(oracle_levels_max - 2)),
        optimistic_(optimistic),
        best_(states),
        next_(states),
        taken_(optimistic ? 0 : frames.size() * states) {
    const double bytes_per_ns = static_cast<double>(rate.count) / 8e9;
    effects_.reserve(frames.size());
    for (std::size_t i = 0; i < frames.size(); ++i)
      effects_.push_back(effects(i, pdus, bytes_per_ns));
  }

  /// Frames that decode, of all, from an empty queue.
  std::size_t solve() {
    for (std::size_t i = frames_.size(); i-- > 0;) {
      for (std::size_t level = 0; level < oracle_levels_max; ++level)
        for (std::size_t alive = 0; alive < alive_states; ++alive)
          next_[level * alive_states + alive] = value(i, level, alive);
      best_.swap(next_);
    }
    return best_[state_of({})];
  }

  /// The frames that solve() counted.
  std::vector<bool> choice() const {
    std::vector<bool> out(frames_.size(), false);
    double waiting = 0;
    Alive alive;
    for (std::size_t i = 0; i < frames_.size(); ++i) {
      const std::size_t level = level_of(waiting);
      const bool take = taken_[i * states + level * alive_states + state_of(alive)];
      out[i] = take;
      waiting = (take ? effects_[i].taken : effects_[i].skipped).level_after(waiting);
      alive = after(need_of(frames_[i].psi), alive, take, !optimistic_);
    }
    return out;
  }

 private:
  static constexpr std::size_t states = oracle_levels_max * alive_states;

  Effects effects(std::size_t i, std::span<const OraclePdu> pdus, double bytes_per_ns) const {
    Effects out;
    const auto& frame = frames_[i];
    Elapsed now = pdus[frame.first_pdu].at;
    const auto wait_until = [&](Elapsed at) {
      const double bytes = static_cast<double>((at - now).count()) * bytes_per_ns;
      out.taken.drain(bytes);
      out.skipped.drain(bytes);
      now = at;
    };
    for (std::uint32_t k = 0; k < frame.pdus; ++k) {
      const auto& pdu = pdus[frame.first_pdu + k];
      wait_until(pdu.at);
      out.taken.add(pdu.bytes);
    }
    if (i + 1 < frames_.size()) wait_until(pdus[frames_[i + 1].first_pdu].at);
    return out;
  }

  std::size_t level_of(double waiting) const {
    const double steps = waiting / quantum_;
    const auto down = static_cast<std::size_t>(steps);
    const bool rest = static_cast<double>(down) < steps;
    return std::min(down + (rest && !optimistic_ ? 1 : 0), oracle_levels_max - 1);
  }

  std::uint32_t value(std::size_t i, std::size_t level, std::size_t state) {
    const double waiting = static_cast<double>(level) * quantum_;
    const Alive alive = alive_of(state);
    const Need need = need_of(frames_[i].psi);
    const auto& [taken, skipped] = effects_[i];
    std::uint32_t best = best_[level_of(skipped.level_after(waiting)) * alive_states +
                               state_of(after(need, alive, false, !optimistic_))];
    if (!decodes(need, alive) || taken.highest(waiting) > queue_bytes_) return best;
    const std::uint32_t with = 1 + best_[level_of(taken.level_after(waiting)) * alive_states +
                                         state_of(after(need, alive, true, !optimistic_))];
    if (with > best) {
      best = with;
      if (!optimistic_) taken_[i * states + level * alive_states + state] = true;
    }
    return best;
  }

  std::span<const OracleFrame> frames_;
  double queue_bytes_;
  double quantum_;
  bool optimistic_;
  std::vector<Effects> effects_;
  std::vector<std::uint32_t> best_;  ///< from the next frame on, for each level and what is alive
  std::vector<std::uint32_t> next_;
  std::vector<bool> taken_;
};

}  // namespace

OracleResult best_frames(std::span<const OracleFrame> frames, std::span<const OraclePdu> pdus,
                         BitsPerSecond rate, std::uint64_t queue_bytes) {
  require(frames.size() <= oracle_frames_max && rate.count > 0 && queue_bytes > 0);
  if (frames.empty()) return {};
  std::uint32_t pdu_bytes_max = 0;
  for (const auto& pdu : pdus) pdu_bytes_max = std::max(pdu_bytes_max, pdu.bytes);

  OracleResult out;
  // The PDU in service has left the queue, and a fluid link has already sent a part of it.
  const auto room = static_cast<double>(queue_bytes);
  out.bound = Programme(frames, pdus, rate, room + pdu_bytes_max, true).solve();
  Programme feasible(frames, pdus, rate, room, false);
  feasible.solve();
  out.chosen = feasible.choice();
  out.chosen_count = static_cast<std::size_t>(std::ranges::count(out.chosen, true));
  return out;
}

}  // namespace lobo::dataplane
