#include "dataplane/radio/guarantee.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/elapsed.hpp"

namespace lobo::dataplane {
namespace {

/// What of the guaranteed rate has to arrive in a window: bursts do not end with windows.
constexpr double rate_tolerance = 0.95;

bool beyond(std::uint64_t bad, std::uint64_t all, double rate) {
  return static_cast<double>(bad) > rate * static_cast<double>(all);
}

}  // namespace

void WindowFigures::add(const WindowFigures& other) {
  octets_offered += other.octets_offered;
  octets_delivered += other.octets_delivered;
  sets += other.sets;
  sets_failed += other.sets_failed;
  sets_late += other.sets_late;
  packets += other.packets;
  packets_failed += other.packets_failed;
  packets_late += other.packets_late;
  delay_max = std::max(delay_max, other.delay_max);
}

Breaches breaches_of(const Promise& promise, const WindowFigures& window, Elapsed length) {
  Breaches found = 0;
  const auto note = [&found](Breach breach, bool broken) {
    if (broken) found = static_cast<Breaches>(found | bit_of(breach));
  };
  const double seconds = std::chrono::duration<double>(length).count();
  const double promised = static_cast<double>(promise.guaranteed.count) / 8 * seconds;
  const double owed = std::min(promised, static_cast<double>(window.octets_offered));
  note(Breach::gfbr, promise.guaranteed.count > 0 &&
                         static_cast<double>(window.octets_delivered) < rate_tolerance * owed);
  const double sets_rate = promise.set_error_rate.value_or(0);
  note(Breach::psdb, promise.set_delay_budget && beyond(window.sets_late, window.sets, sets_rate));
  note(Breach::pser, promise.set_error_rate && beyond(window.sets_failed, window.sets, sets_rate));
  const double packets_rate = promise.packet_error_rate.value_or(0);
  note(Breach::pdb,
       promise.packet_delay_budget && beyond(window.packets_late, window.packets, packets_rate));
  note(Breach::per,
       promise.packet_error_rate && beyond(window.packets_failed, window.packets, packets_rate));
  return found;
}

void GuaranteeWatch::settled(std::uint32_t octets, bool delivered, Elapsed delay) {
  WindowFigures& now = slice();
  ++now.packets;
  if (!delivered) {
    ++now.packets_failed;
    return;
  }
  now.octets_delivered += octets;
  now.delay_max = std::max(now.delay_max, delay);
  if (promise_.packet_delay_budget && delay > *promise_.packet_delay_budget) ++now.packets_late;
}

void GuaranteeWatch::judged(bool whole, bool late) {
  WindowFigures& now = slice();
  ++now.sets;
  if (!whole) ++now.sets_failed;
  if (late) ++now.sets_late;
}

std::optional<GuaranteeNews> GuaranteeWatch::advance(Elapsed now) {
  if (now < slice_ends_) return std::nullopt;
  const Elapsed step = config_.window / static_cast<std::int64_t>(slices);
  // After a pause longer than the window nothing of it is left.
  if (now - slice_ends_ > config_.window) {
    ring_ = {};
    slice_ends_ = now;
  }
  const auto news = decide(now);
  for (std::size_t i = 0; i < slices && slice_ends_ <= now; ++i) {
    current_ = (current_ + 1) % slices;
    ring_[current_] = {};
    slice_ends_ += step;
  }
  return news;
}

std::optional<GuaranteeNews> GuaranteeWatch::decide(Elapsed now) {
  WindowFigures window;
  for (const WindowFigures& one : ring_) window.add(one);
  breaches_ = breaches_of(promise_, window, config_.window);
  const bool holds = breaches_ == 0;
  if (holds == held_) {
    otherwise_ = false;
    return std::nullopt;
  }
  if (!otherwise_) {
    otherwise_ = true;
    since_ = now;
  }
  if (now - since_ < (held_ ? config_.not_held_after : config_.held_after)) return std::nullopt;
  held_ = holds;
  otherwise_ = false;
  return GuaranteeNews{.held = held_, .breaches = breaches_, .window = window};
}

}  // namespace lobo::dataplane
