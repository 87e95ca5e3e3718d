#include "energy/rendezvous.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

namespace lobo::energy {
namespace {

constexpr std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31U);
}

/// Strictly between 0 and 1, so that its logarithm is finite and not 0.
double uniform_of(std::uint64_t session, std::uint64_t location) {
  const std::uint64_t bits = mix(mix(session + 0x9E3779B97F4A7C15ULL) ^ location);
  return (static_cast<double>(bits >> 12U) + 0.5) * 0x1p-52;
}

double score(std::uint64_t session, const Share& share) {
  return -share.weight / std::log(uniform_of(session, share.location));
}

void append_ranked(std::uint64_t session, std::span<const Share> shares, std::size_t offset,
                   std::span<const Share> taken, std::vector<std::size_t>& out) {
  struct Candidate {
    double score = 0;
    std::size_t index = 0;
  };
  std::vector<Candidate> candidates;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (!(shares[i].weight > 0)) continue;  // most of them, where a fleet is large
    const bool named = std::any_of(taken.begin(), taken.end(), [&](const Share& t) {
      return t.weight > 0 && t.location == shares[i].location;
    });
    if (!named) candidates.push_back({score(session, shares[i]), i + offset});
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score : a.index < b.index;
  });
  for (const Candidate& c : candidates) out.push_back(c.index);
}

}  // namespace

std::uint64_t stable_hash(std::string_view name) {
  std::uint64_t h = 0xCBF29CE484222325ULL;  // FNV-1a, then mixed: its high bits are weak
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return mix(h);
}

std::size_t pick(std::uint64_t session, std::span<const Share> shares) {
  std::size_t best = no_location;
  double best_score = 0;
  std::size_t candidates = 0;
  for (std::size_t i = 0; i < shares.size() && candidates < 2; ++i)
    if (shares[i].weight > 0) {
      ++candidates;
      best = i;
    }
  if (candidates <= 1) return best;  // most groups of a plan: no hash needed
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (!(shares[i].weight > 0)) continue;
    const double s = score(session, shares[i]);
    if (s <= best_score) continue;
    best_score = s;
    best = i;
  }
  return best;
}

std::vector<std::size_t> ranks(std::uint64_t session, std::span<const Share> shares,
                               std::span<const Share> reserve) {
  std::vector<std::size_t> out;
  append_ranked(session, shares, 0, {}, out);
  append_ranked(session, reserve, shares.size(), shares, out);
  return out;
}

std::vector<std::size_t> failover_ranks(std::uint64_t session, std::uint64_t lost,
                                        std::span<const Share> weights) {
  std::vector<std::size_t> out;
  append_ranked(mix(session ^ mix(lost)), weights, 0, {}, out);
  return out;
}

std::vector<std::uint32_t> whole_sessions(std::uint32_t sessions, std::span<const Share> shares) {
  double sum = 0;
  for (const Share& share : shares) sum += std::max(0.0, share.weight);
  std::vector<std::uint32_t> out(shares.size());
  if (!(sum > 0)) return out;
  std::vector<double> remainder(shares.size(), -1);
  std::uint32_t given = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (!(shares[i].weight > 0)) continue;
    const double exact = sessions * (shares[i].weight / sum);
    out[i] = std::min(sessions - given, static_cast<std::uint32_t>(exact));
    remainder[i] = exact - out[i];
    given += out[i];
  }
  std::vector<std::size_t> order(shares.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return remainder[a] != remainder[b] ? remainder[a] > remainder[b] : a < b;
  });
  for (std::size_t i = 0; given < sessions; i = (i + 1) % order.size()) {
    if (!(shares[order[i]].weight > 0)) continue;
    ++out[order[i]];
    ++given;
  }
  return out;
}

}  // namespace lobo::energy
