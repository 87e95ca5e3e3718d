#pragma once
// A token bucket for each principal.

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/text.hpp"

namespace lobo::runtime {

/// Principals remembered; when more ask, those whose bucket is full again are forgotten, which
/// changes nothing for them.
inline constexpr std::size_t buckets_max = 10000;

class RateLimit {
 public:
  /// Takes one token. False: none is left; `retry_after` says when there will be.
  bool take(std::string_view who, double per_second, double burst, Instant now,
            std::chrono::milliseconds& retry_after) {
    auto found = buckets_.find(who);
    if (found == buckets_.end()) {
      if (buckets_.size() >= buckets_max) forget_full(per_second, burst, now);
      if (buckets_.size() >= buckets_max) {
        retry_after = std::chrono::seconds{1};
        return false;
      }
      found = buckets_.emplace(std::string(who), Bucket{burst, now}).first;
    }
    Bucket& bucket = found->second;
    bucket.tokens = level(bucket, per_second, burst, now);
    bucket.at = now;
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return true;
    }
    const double missing = (1 - bucket.tokens) / per_second;
    retry_after = std::chrono::milliseconds(static_cast<std::int64_t>(missing * 1000) + 1);
    return false;
  }

 private:
  struct Bucket {
    double tokens;
    Instant at;
  };
  static double level(const Bucket& bucket, double per_second, double burst, Instant now) {
    // A clock that stepped back gives nothing and takes nothing.
    const double seconds = std::max(0.0, std::chrono::duration<double>(now - bucket.at).count());
    return std::min(burst, bucket.tokens + seconds * per_second);
  }
  void forget_full(double per_second, double burst, Instant now) {
    std::erase_if(buckets_, [&](const auto& entry) {
      return level(entry.second, per_second, burst, now) >= burst;
    });
  }
  std::unordered_map<std::string, Bucket, TextHash, std::equal_to<>> buckets_;
};

}  // namespace lobo::runtime
