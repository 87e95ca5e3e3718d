#pragma once
// Admission control: how much of each cell is promised to somebody.

#include <compare>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/quantity.hpp"
#include "services/core_sim/config.hpp"

namespace lobo::core_sim {

using CellIndex = std::size_t;

/// A part of a cell: guaranteed rates of one reservation, or of all of them.
struct Share {
  BitsPerSecond dl;
  BitsPerSecond ul;
  bool operator==(const Share&) const = default;
  bool empty() const { return dl.count == 0 && ul.count == 0; }
};

inline Share share_of(const Quality& quality) { return {quality.gbr_dl, quality.gbr_ul}; }

/// Invariant: per cell, used() <= capacity(), both ways, unless the cell was narrowed below what is
/// in use; then nothing is granted until enough has been given back.
class Admission {
 public:
  explicit Admission(const std::vector<CellConfig>& cells);

  bool fits(CellIndex cell, const Share& wanted) const;
  /// Takes `wanted` and answers true, or changes nothing and answers false.
  bool take(CellIndex cell, const Share& wanted);
  /// Whether `wanted` would fit if `held` were given back first.
  bool fits_instead(CellIndex cell, const Share& held, const Share& wanted) const;
  void give_back(CellIndex cell, const Share& held);

  void resize(CellIndex cell, const Share& capacity);
  bool overbooked(CellIndex cell) const;

  Share capacity(CellIndex cell) const { return cells_[cell].capacity; }
  Share used(CellIndex cell) const { return cells_[cell].used; }
  /// What is left; nothing where the cell is overbooked.
  Share left(CellIndex cell) const { return left_instead(cell, {}); }
  /// What would be left if `held` were given back.
  Share left_instead(CellIndex cell, const Share& held) const;
  std::size_t size() const { return cells_.size(); }

 private:
  struct Load {
    Share capacity;
    Share used;
  };
  std::vector<Load> cells_;
};

}  // namespace lobo::core_sim
