#pragma once
// What a `lobo mm join -o json --states` says, line by line: the states of others as they come,
// what it measures, what it is told.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace lobo::app {

class JoinedUe {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Seen {
    std::uint64_t states = 0;      ///< of the root component
    std::uint64_t steps_back = 0;  ///< a number that was not larger than the one before
    std::int64_t last = -1;
    std::optional<Time> at;
    std::chrono::microseconds silence{0};  ///< longest since silence_from()
  };
  /// How old states were when they came, in the middle of each second, and then in the middle of
  /// these: a second counts alike whether its tier has 60 states or 15.
  struct Measured {
    double delay_p50_ms = 0;
    double delay_p99_ms = 0;  ///< of all
    double states_a_second = 0;
  };

  /// What is no JSON object of its is passed over.
  void hear(std::string_view line, Time now);

  std::size_t count(std::string_view event) const;
  /// The asset as it was seen; nothing of one that never was.
  const Seen* of(std::string_view asset) const;
  /// Nothing where no state with an age came in between.
  std::optional<Measured> typical(Time from, Time to) const;
  /// The tier that the node ordered last.
  unsigned tier() const { return tier_; }
  /// Silences count anew.
  void silence_from();

 private:
  static constexpr std::size_t arrivals_max = 30'000;  ///< the oldest go
  struct Arrival {
    Time at;
    std::chrono::microseconds age;
  };

  std::map<std::string, std::size_t, std::less<>> events_;
  std::map<std::string, Seen, std::less<>> seen_;
  std::deque<Arrival> arrivals_;  ///< of root components that say how old they are
  unsigned tier_ = 0;
};

}  // namespace lobo::app
