#include "relay/measure/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace lobo::relay {

std::optional<std::uint64_t> Histogram::percentile(double k) const {
  if (total_ == 0) return std::nullopt;
  const auto wanted = static_cast<std::uint64_t>(std::ceil(static_cast<double>(total_) * k / 100));
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    below += counts_[i];
    if (below >= std::max<std::uint64_t>(wanted, 1)) return upper_of(i);
  }
  return upper_of(buckets - 1);
}

std::optional<std::uint64_t> Histogram::min() const {
  const auto first = std::ranges::find_if(counts_, [](std::uint32_t count) { return count > 0; });
  if (first == counts_.end()) return std::nullopt;
  return upper_of(static_cast<std::size_t>(first - counts_.begin()));
}

std::optional<std::uint64_t> Histogram::max() const {
  for (std::size_t i = buckets; i > 0; --i)
    if (counts_[i - 1] > 0) return upper_of(i - 1);
  return std::nullopt;
}

std::vector<std::uint32_t> Histogram::sparse() const {
  std::vector<std::uint32_t> pairs;
  std::size_t before = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    if (counts_[i] == 0) continue;
    pairs.push_back(static_cast<std::uint32_t>(i - before));
    pairs.push_back(counts_[i]);
    before = i;
  }
  return pairs;
}

std::optional<Histogram> Histogram::from_sparse(std::span<const std::uint32_t> pairs) {
  if (pairs.size() % 2 != 0 || pairs.size() > 2 * buckets) return std::nullopt;
  Histogram made;
  std::size_t at = 0;
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    if (i > 0 && pairs[i] == 0) return std::nullopt;
    at += pairs[i];
    if (at >= buckets || pairs[i + 1] == 0) return std::nullopt;
    made.counts_[at] = pairs[i + 1];
    made.total_ += pairs[i + 1];
  }
  if (made.total_ > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return made;
}

}  // namespace lobo::relay
