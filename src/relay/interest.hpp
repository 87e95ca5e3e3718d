#pragma once
// The k nearest of many points, by a grid on the ground: a receiver among a thousand avatars is
// owed those around it. Building is linear; a choice looks at rings of cells around the asker until
// no nearer one can lie outside.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "wire/sdd/control.hpp"

namespace lobo::relay {

struct Placed {
  std::uint32_t number = 0;  ///< of the asset
  sdd::Position at;
};

class NearestGrid {
 public:
  /// About `per_cell` points in each cell where they are spread evenly.
  void build(std::span<const Placed> points, std::size_t per_cell = 8);
  /// The numbers of the k nearest, or of all where there are fewer, in no order. Heights count.
  void nearest(const sdd::Position& from, std::size_t k, std::vector<std::uint32_t>& found);

 private:
  struct Distance {
    std::int64_t squared = 0;
    std::uint32_t number = 0;
  };
  void look(std::size_t column, std::size_t row, const sdd::Position& from);
  void ring(std::size_t column, std::size_t row, std::size_t distance, const sdd::Position& from);

  std::int64_t low_x_ = 0;
  std::int64_t low_z_ = 0;
  std::int64_t side_ = 1;   ///< of a cell, millimetres
  std::size_t across_ = 1;  ///< cells in each direction
  std::vector<std::uint32_t> starts_;
  std::vector<Placed> points_;  ///< by cell
  std::vector<Distance> looked_;
};

}  // namespace lobo::relay
