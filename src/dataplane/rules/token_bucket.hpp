#pragma once
// A rate and how far one may be ahead of it. Whoever finds a token may take more than there are:
// the debt is bounded by what he takes at once, and is paid back before anything else passes, so
// that the rate holds however large packets are against the bucket.

#include <algorithm>

#include "dataplane/elapsed.hpp"

namespace lobo::dataplane {

/// What a bucket is filled with. Octets are fractions here: the rounding of a double stays below
/// an octet a second.
struct BucketLimits {
  double octets_per_ns = 0;
  double depth = 0;
  double first = 0;  ///< what it holds when it is first looked at
  bool operator==(const BucketLimits&) const = default;
};

/// Changed by the worker that owns the session, and by nobody else.
struct TokenBucket {
  static constexpr Elapsed never = Elapsed::min();
  double octets = 0;  ///< negative: a debt
  Elapsed at = never;

  /// Time that steps back fills nothing. A limit that became smaller holds at once.
  void refill(const BucketLimits& limits, Elapsed now) noexcept {
    if (at == never) {
      octets = limits.first;
      at = now;
      return;
    }
    if (now > at) {
      octets += limits.octets_per_ns * static_cast<double>((now - at).count());
      at = now;
    }
    octets = std::min(octets, limits.depth);
  }
};

}  // namespace lobo::dataplane
