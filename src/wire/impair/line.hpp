#pragma once
// One direction of a bad network: datagrams and time go in, datagrams come out later, in another
// order, or never. Time is virtual and chance is seeded, so one seed and one history of datagrams
// give one outcome.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/quantity.hpp"
#include "base/rng.hpp"

namespace lobo::impair {

/// Shares in parts of a million, so that they are whole numbers and exactly what was asked for.
using PerMillion = Quantity<struct PerMillionTag, std::uint32_t>;
inline constexpr PerMillion everything{1'000'000};

inline constexpr std::size_t held_datagrams_max = 65'536;

struct Settings {
  PerMillion loss{};
  /// How many datagrams are lost at a stretch, on average; the share that is lost stays the same.
  std::uint32_t loss_run = 1;
  std::chrono::microseconds delay{};
  /// Each delay is anywhere from delay - jitter to delay + jitter, but nobody overtakes by it.
  std::chrono::microseconds jitter{};
  /// This share does not wait at all, and so overtakes what does.
  PerMillion reorder{};
  /// How much goes through; 0: no bound.
  BitsPerSecond rate{};
  /// What would wait longer than this for its turn at that rate is dropped.
  std::chrono::microseconds queue_max = std::chrono::milliseconds{100};
};

struct Statistics {
  std::uint64_t taken = 0;
  std::uint64_t lost = 0;       ///< by chance
  std::uint64_t dropped = 0;    ///< the queue was full
  std::uint64_t reordered = 0;  ///< did not wait
  std::uint64_t delivered = 0;
  std::uint64_t octets_taken = 0;
  std::uint64_t octets_lost = 0;  ///< of those that were lost by chance
  std::uint64_t octets_delivered = 0;
  std::chrono::microseconds delay_min{};  ///< of what was delivered, and so below
  std::chrono::microseconds delay_max{};
  std::chrono::microseconds delay_sum{};
  bool operator==(const Statistics&) const = default;
};

class Line {
 public:
  Line(const Settings& settings, std::uint64_t seed) : settings_(settings), chance_(seed) {}

  /// For what comes from now on.
  void set(const Settings& settings) { settings_ = settings; }
  const Settings& settings() const { return settings_; }
  /// A datagram enters; `to` is given back with it.
  void push(Bytes datagram, std::uint32_t to, Instant now);
  /// When the next one leaves.
  std::optional<Instant> next_due() const;
  struct Delivery {
    std::vector<std::byte> datagram;
    std::uint32_t to = 0;
  };
  /// One that is due, if any; asked again until there is none.
  std::optional<Delivery> pop(Instant now);
  const Statistics& statistics() const { return statistics_; }

 private:
  bool chosen(PerMillion share) { return chance_.below(everything.count) < share.count; }
  bool is_lost();
  std::chrono::microseconds delay();

  struct Held {
    Delivery delivery;
    Instant entered;
  };
  Settings settings_;
  SeededRng chance_;
  Statistics statistics_;
  std::map<std::pair<Instant, std::uint64_t>, Held> held_;  ///< by due time, then by arrival
  std::uint64_t arrivals_ = 0;
  Instant link_free_{};  ///< when the narrow link has sent what it was given
  std::chrono::nanoseconds link_rest_{};
  Instant last_due_{};
  bool losing_ = false;
};

}  // namespace lobo::impair
