#pragma once
// Interarrival jitter (RFC 3550 clause 6.4.1 and appendix A.8), in microseconds. The difference of
// two transit times: the offset of the clocks cancels.

#include <chrono>
#include <cstdint>
#include <optional>

namespace lobo::relay {

class Jitter {
 public:
  /// `transit` is arrival less departure, each by its own clock, modulo 2^32.
  void add(std::uint32_t transit) {
    if (last_) {
      const auto moved = static_cast<std::int32_t>(transit - *last_);
      const std::int64_t off = moved < 0 ? -std::int64_t{moved} : moved;
      scaled_ += off - ((scaled_ + 8) >> 4U);
    }
    last_ = transit;
  }
  std::chrono::microseconds value() const { return std::chrono::microseconds(scaled_ >> 4U); }
  /// What comes next is not compared with what was: another path, another publisher.
  void restart() { last_.reset(); }

 private:
  std::optional<std::uint32_t> last_;
  std::int64_t scaled_ = 0;  ///< sixteen times the jitter
};

}  // namespace lobo::relay
