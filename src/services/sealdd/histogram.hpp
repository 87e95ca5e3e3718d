#pragma once
// Log-linear histograms as relay nodes send them (api/sdd_relay.yaml, Histogram): 16 buckets an
// octave, so that a value is known to 6.25 %, and any number of them add up without loss.

#include <cstddef>
#include <cstdint>
#include <map>

#include "api/sdd_relay.hpp"

namespace lobo::sealdd {

inline constexpr std::int64_t bucket_max = 511;

/// The smallest value of a bucket.
std::uint64_t bucket_floor(std::int64_t bucket);
std::int64_t bucket_of(std::uint64_t value);

class Distribution {
 public:
  void add(std::uint64_t value, std::uint64_t times = 1);
  /// One that `Histogram` describes; it was checked to be sound.
  void add(const api::sdd_relay::Histogram& histogram);
  void add(const Distribution& other);

  bool empty() const { return count_ == 0; }
  std::uint64_t count() const { return count_; }
  double mean() const;
  double deviation() const;
  std::uint64_t min() const { return min_; }
  std::uint64_t max() const { return max_; }
  /// The value that `percent` of all are not above; the middle of its bucket.
  std::uint64_t percentile(int percent) const;

 private:
  std::map<std::int64_t, std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  double sum_ = 0;
  double sum_of_squares_ = 0;
  std::uint64_t min_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace lobo::sealdd
