#pragma once
// Mean and deviation of a stream of values, by Welford's recurrence: one pass, no sum that grows
// beyond its digits. Two of them merge into that of both (Chan, Golub, LeVeque).

#include <cmath>
#include <cstdint>

namespace lobo::relay {

class Spread {
 public:
  void add(double value) {
    ++count_;
    const double off = value - mean_;
    mean_ += off / static_cast<double>(count_);
    squares_ += off * (value - mean_);
  }
  void merge(const Spread& other) {
    if (other.count_ == 0) return;
    const auto ours = static_cast<double>(count_);
    const auto theirs = static_cast<double>(other.count_);
    const double off = other.mean_ - mean_;
    count_ += other.count_;
    mean_ += off * theirs / (ours + theirs);
    squares_ += other.squares_ + off * off * ours * theirs / (ours + theirs);
  }

  std::uint64_t count() const { return count_; }
  double mean() const { return mean_; }
  /// Of the values themselves, not of a sample; 0 for fewer than two.
  double deviation() const {
    return count_ < 2 ? 0 : std::sqrt(squares_ / static_cast<double>(count_));
  }

 private:
  std::uint64_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;  ///< of the distances from the mean
};

}  // namespace lobo::relay
