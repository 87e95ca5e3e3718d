#include "wire/impair/line.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/quantity.hpp"

namespace lobo::impair {

/// Two states (after Gilbert): all is lost in one of them, nothing in the other. It is left with
/// 1/run, and entered as often as makes the share come true.
bool Line::is_lost() {
  const std::uint64_t loss = settings_.loss.count;
  if (settings_.loss_run <= 1 || loss >= everything.count) return chosen(settings_.loss);
  if (loss == 0) return losing_ = false;
  const std::uint64_t run = settings_.loss_run;
  if (losing_) {
    losing_ = chance_.below(run) != 0;
  } else {
    // enter = leave * loss / (1 - loss), with leave = 1 / run.
    losing_ = chance_.below((everything.count - loss) * run) < loss;
  }
  return losing_;
}

std::chrono::microseconds Line::delay() {
  const auto spread =
      static_cast<std::uint64_t>(std::max<std::int64_t>(settings_.jitter.count(), 0));
  if (spread == 0) return settings_.delay;
  const auto offset =
      static_cast<std::int64_t>(chance_.below(2 * spread + 1)) - static_cast<std::int64_t>(spread);
  return std::max(settings_.delay + std::chrono::microseconds{offset},
                  std::chrono::microseconds{0});
}

void Line::push(Bytes datagram, std::uint32_t to, Instant now) {
  ++statistics_.taken;
  statistics_.octets_taken += datagram.size();
  if (is_lost()) {
    ++statistics_.lost;
    statistics_.octets_lost += datagram.size();
    return;
  }
  Instant sent = now;
  if (settings_.rate.count > 0) {
    if (link_free_ < now) {
      link_free_ = now;
      link_rest_ = {};
    }
    if (link_free_ - now > settings_.queue_max) {
      ++statistics_.dropped;
      return;
    }
    // Parts of a microsecond are carried on, or a fast link would be slower than it says.
    link_rest_ += std::chrono::nanoseconds{
        static_cast<std::int64_t>(datagram.size() * 8 * 1'000'000'000U / settings_.rate.count)};
    const auto whole = std::chrono::floor<std::chrono::microseconds>(link_rest_);
    link_rest_ -= whole;
    link_free_ += whole;
    sent = link_free_;
  }
  if (held_.size() >= held_datagrams_max) {
    ++statistics_.dropped;
    return;
  }
  Instant due = sent;
  if (settings_.reorder.count > 0 && chosen(settings_.reorder)) {
    ++statistics_.reordered;
  } else {
    due = std::max(sent + delay(), last_due_);
    last_due_ = due;
  }
  held_.emplace(std::pair{due, ++arrivals_}, Held{{{datagram.begin(), datagram.end()}, to}, now});
}

std::optional<Instant> Line::next_due() const {
  if (held_.empty()) return std::nullopt;
  return held_.begin()->first.first;
}

std::optional<Line::Delivery> Line::pop(Instant now) {
  if (held_.empty() || held_.begin()->first.first > now) return std::nullopt;
  auto first = held_.extract(held_.begin());
  const auto waited = now - first.mapped().entered;
  auto& told = statistics_;
  told.delay_min = told.delivered == 0 ? waited : std::min(told.delay_min, waited);
  told.delay_max = std::max(told.delay_max, waited);
  told.delay_sum += waited;
  ++told.delivered;
  told.octets_delivered += first.mapped().delivery.datagram.size();
  return std::move(first.mapped().delivery);
}

}  // namespace lobo::impair
