#include "services/sealdd/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "api/sdd_relay.hpp"

namespace lobo::sealdd {
namespace {

constexpr int sub_bits = 4;
constexpr std::uint64_t sub_buckets = 1U << sub_bits;

double middle(std::int64_t bucket) {
  const auto low = static_cast<double>(bucket_floor(bucket));
  if (bucket < static_cast<std::int64_t>(sub_buckets)) return low;
  return (low + static_cast<double>(bucket_floor(bucket + 1)) - 1) / 2;
}

}  // namespace

std::int64_t bucket_of(std::uint64_t value) {
  if (value < sub_buckets) return static_cast<std::int64_t>(value);
  const auto high = static_cast<int>(std::bit_width(value)) - 1;
  const auto within = (value >> (high - sub_bits)) & (sub_buckets - 1);
  return std::min(bucket_max, static_cast<std::int64_t>(
                                  sub_buckets * static_cast<std::uint64_t>(high - 3) + within));
}

std::uint64_t bucket_floor(std::int64_t bucket) {
  const auto at = static_cast<std::uint64_t>(bucket);
  if (at < sub_buckets) return at;
  const auto octave = at / sub_buckets;  // 1 for values from 16 on
  return (sub_buckets + at % sub_buckets) << (octave - 1);
}

void Distribution::add(std::uint64_t value, std::uint64_t times) {
  if (times == 0) return;
  buckets_[bucket_of(value)] += times;
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = std::max(max_, value);
  count_ += times;
  const auto exact = static_cast<double>(value);
  sum_ += exact * static_cast<double>(times);
  sum_of_squares_ += exact * exact * static_cast<double>(times);
}

void Distribution::add(const api::sdd_relay::Histogram& histogram) {
  if (histogram.buckets.empty() || histogram.buckets.size() != histogram.counts.size()) return;
  double sum = 0;
  double squares = 0;
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < histogram.buckets.size(); ++i) {
    const auto times = static_cast<std::uint64_t>(histogram.counts[i]);
    const double value = middle(histogram.buckets[i]);
    buckets_[histogram.buckets[i]] += times;
    count += times;
    sum += value * static_cast<double>(times);
    squares += value * value * static_cast<double>(times);
  }
  const auto lowest = static_cast<std::uint64_t>(
      histogram.min.value_or(static_cast<std::int64_t>(bucket_floor(histogram.buckets.front()))));
  const auto highest = static_cast<std::uint64_t>(histogram.max.value_or(
      static_cast<std::int64_t>(bucket_floor(histogram.buckets.back() + 1)) - 1));
  min_ = count_ == 0 ? lowest : std::min(min_, lowest);
  max_ = std::max(max_, highest);
  count_ += count;
  sum_ += histogram.sum.value_or(sum);
  sum_of_squares_ += histogram.sum_sq.value_or(squares);
}

void Distribution::add(const Distribution& other) {
  if (other.empty()) return;
  for (const auto& [bucket, times] : other.buckets_) buckets_[bucket] += times;
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  count_ += other.count_;
  sum_ += other.sum_;
  sum_of_squares_ += other.sum_of_squares_;
}

double Distribution::mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

double Distribution::deviation() const {
  if (count_ == 0) return 0;
  const double mean_of_squares = sum_of_squares_ / static_cast<double>(count_);
  return std::sqrt(std::max(0.0, mean_of_squares - mean() * mean()));
}

std::uint64_t Distribution::percentile(int percent) const {
  if (count_ == 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(
      std::ceil(static_cast<double>(count_) * static_cast<double>(percent) / 100));
  std::uint64_t passed = 0;
  for (const auto& [bucket, times] : buckets_) {
    passed += times;
    if (passed < wanted) continue;
    return std::clamp(static_cast<std::uint64_t>(middle(bucket)), min_, max_);
  }
  return max_;
}

}  // namespace lobo::sealdd
