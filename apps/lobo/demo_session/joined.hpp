#pragma once
// What a `lobo mm join -o json --states` says, line by line: the states of others as they come,
// what it measures, what it is told.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/json/value.hpp"

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
  /// Of the flows that it receives, over the last seconds before.
  struct Measured {
    Time at;
    double delay_p50_ms = 0;
    double delay_p99_ms = 0;
    double age_p50_ms = 0;
    double loss_percent = 0;
    double states_a_second = 0;
    double bits_a_second = 0;
  };

  /// What is no JSON object of its is passed over.
  void hear(std::string_view line, Time now);

  std::size_t count(std::string_view event) const;
  /// The asset as it was seen; nothing of one that never was.
  const Seen* of(std::string_view asset) const;
  std::size_t measured() const { return measures_.size(); }
  /// The median of each figure over what was measured from then on; nothing where nothing was.
  std::optional<Measured> typical_since(Time since) const;
  /// The tier that the node ordered last.
  unsigned tier() const { return tier_; }
  /// Silences count anew.
  void silence_from();

 private:
  static constexpr std::size_t measures_max = 1000;  ///< the oldest goes
  /// States that had been seen when it measured last.
  struct Counted {
    Time at;
    std::uint64_t states = 0;
  };

  void measure(const json::Value& told, Time now);

  std::map<std::string, std::size_t, std::less<>> events_;
  std::map<std::string, Seen, std::less<>> seen_;
  std::vector<Measured> measures_;
  std::optional<Counted> counted_;
  unsigned tier_ = 0;
};

}  // namespace lobo::app
