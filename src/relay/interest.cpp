#include "relay/interest.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "wire/sdd/control.hpp"

namespace lobo::relay {
namespace {

constexpr std::size_t across_max = 64;

std::int64_t squared_distance(const sdd::Position& a, const sdd::Position& b) {
  // Halved, so that the sum of three squares of 33 bits stays within 64.
  const auto part = [](std::int64_t p, std::int64_t q) { return (p - q) / 2; };
  const std::int64_t x = part(a.x, b.x);
  const std::int64_t y = part(a.y, b.y);
  const std::int64_t z = part(a.z, b.z);
  const auto capped = [](std::int64_t v) {
    constexpr std::int64_t most = 1'700'000'000;
    const std::int64_t within = std::clamp(v, -most, most);
    return within * within;
  };
  return capped(x) + capped(y) + capped(z);
}

}  // namespace

void NearestGrid::build(std::span<const Placed> points, std::size_t per_cell) {
  std::int64_t low_x = 0;
  std::int64_t low_z = 0;
  std::int64_t extent = 0;
  if (!points.empty()) {
    const auto [left, right] =
        std::ranges::minmax(points, {}, [](const Placed& p) { return p.at.x; });
    const auto [near, far] =
        std::ranges::minmax(points, {}, [](const Placed& p) { return p.at.z; });
    low_x = left.at.x;
    low_z = near.at.z;
    extent = std::max(std::int64_t{right.at.x} - left.at.x, std::int64_t{far.at.z} - near.at.z);
  }
  low_x_ = low_x;
  low_z_ = low_z;
  const auto cells = std::max<std::size_t>(points.size() / per_cell, 1);
  across_ = std::clamp<std::size_t>(static_cast<std::size_t>(std::sqrt(static_cast<double>(cells))),
                                    1, across_max);
  side_ = extent / static_cast<std::int64_t>(across_) + 1;
  // Counting sort by cell.
  starts_.assign(across_ * across_ + 1, 0);
  const auto cell = [&](const Placed& p) {
    const auto within = [&](std::int64_t along, std::int64_t low) {
      return std::min(static_cast<std::size_t>((along - low) / side_), across_ - 1);
    };
    return within(p.at.z, low_z_) * across_ + within(p.at.x, low_x_);
  };
  for (const Placed& p : points) ++starts_[cell(p) + 1];
  for (std::size_t i = 1; i < starts_.size(); ++i) starts_[i] += starts_[i - 1];
  points_.resize(points.size());
  std::vector<std::uint32_t> next(starts_.begin(), starts_.end() - 1);
  for (const Placed& p : points) points_[next[cell(p)]++] = p;
}

void NearestGrid::look(std::size_t column, std::size_t row, const sdd::Position& from) {
  const std::size_t cell = row * across_ + column;
  for (std::uint32_t i = starts_[cell]; i < starts_[cell + 1]; ++i)
    looked_.push_back({squared_distance(points_[i].at, from), points_[i].number});
}

/// The cells whose row or column is `distance` away, and no further.
void NearestGrid::ring(std::size_t column, std::size_t row, std::size_t distance,
                       const sdd::Position& from) {
  const auto low = [&](std::size_t at) { return at < distance ? std::size_t{0} : at - distance; };
  const auto high = [&](std::size_t at) { return std::min(at + distance, across_ - 1); };
  for (std::size_t r = low(row); r <= high(row); ++r) {
    const bool edge = r + distance == row || r == row + distance;
    for (std::size_t c = low(column); c <= high(column); ++c)
      if (edge || c + distance == column || c == column + distance) look(c, r, from);
  }
}

void NearestGrid::nearest(const sdd::Position& from, std::size_t k,
                          std::vector<std::uint32_t>& found) {
  found.clear();
  looked_.clear();
  if (k == 0 || points_.empty()) return;
  const auto within = [&](std::int64_t along, std::int64_t low) {
    return static_cast<std::size_t>(
        std::clamp<std::int64_t>((along - low) / side_, 0, static_cast<std::int64_t>(across_) - 1));
  };
  const std::size_t column = within(from.x, low_x_);
  const std::size_t row = within(from.z, low_z_);
  // What a ring of cells leaves outside is further than `distance` cells from an asker inside the
  // grid. Who stands outside of it looks at everything.
  const bool inside = from.x >= low_x_ && from.z >= low_z_ &&
                      from.x < low_x_ + side_ * static_cast<std::int64_t>(across_) &&
                      from.z < low_z_ + side_ * static_cast<std::int64_t>(across_);
  const auto kth = [&] { return looked_.begin() + static_cast<std::ptrdiff_t>(k - 1); };
  for (std::size_t distance = 0; distance < across_; ++distance) {
    ring(column, row, distance, from);
    if (looked_.size() < k || !inside) continue;
    std::ranges::nth_element(looked_, kth(), {}, &Distance::squared);
    const auto reached = static_cast<std::int64_t>(distance) * side_ / 2;
    if (kth()->squared <= reached * reached) break;
  }
  if (looked_.size() > k) {
    std::ranges::nth_element(looked_, kth(), {}, &Distance::squared);
    looked_.resize(k);
  }
  for (const Distance& d : looked_) found.push_back(d.number);
}

}  // namespace lobo::relay
