#include "services/core_sim/admission.hpp"

#include <vector>

#include "base/quantity.hpp"
#include "base/require.hpp"
#include "services/core_sim/config.hpp"

namespace lobo::core_sim {

namespace {

// Written as a subtraction, because a sum of two rates from outside may overflow.
bool within(BitsPerSecond wanted, BitsPerSecond used, BitsPerSecond capacity) {
  return used.count <= capacity.count && wanted.count <= capacity.count - used.count;
}

BitsPerSecond rest(BitsPerSecond capacity, BitsPerSecond used) {
  return used < capacity ? capacity - used : BitsPerSecond{0};
}

}  // namespace

Admission::Admission(const std::vector<CellConfig>& cells) {
  cells_.reserve(cells.size());
  for (const auto& cell : cells) cells_.push_back({{cell.capacity_dl, cell.capacity_ul}, {}});
}

bool Admission::fits(CellIndex cell, const Share& wanted) const {
  return fits_instead(cell, Share{}, wanted);
}

// A direction in which nothing is asked for is not looked at: a flow without a guaranteed rate is
// admitted to a full cell.
bool Admission::fits_instead(CellIndex cell, const Share& held, const Share& wanted) const {
  const auto& load = cells_[cell];
  require(held.dl <= load.used.dl && held.ul <= load.used.ul);
  return (wanted.dl.count == 0 || within(wanted.dl, load.used.dl - held.dl, load.capacity.dl)) &&
         (wanted.ul.count == 0 || within(wanted.ul, load.used.ul - held.ul, load.capacity.ul));
}

bool Admission::take(CellIndex cell, const Share& wanted) {
  if (!fits(cell, wanted)) return false;
  auto& used = cells_[cell].used;
  used = {used.dl + wanted.dl, used.ul + wanted.ul};
  return true;
}

void Admission::give_back(CellIndex cell, const Share& held) {
  auto& used = cells_[cell].used;
  require(held.dl <= used.dl && held.ul <= used.ul);
  used = {used.dl - held.dl, used.ul - held.ul};
}

void Admission::resize(CellIndex cell, const Share& capacity) { cells_[cell].capacity = capacity; }

bool Admission::overbooked(CellIndex cell) const {
  const auto& load = cells_[cell];
  return load.used.dl > load.capacity.dl || load.used.ul > load.capacity.ul;
}

Share Admission::left_instead(CellIndex cell, const Share& held) const {
  const auto& load = cells_[cell];
  require(held.dl <= load.used.dl && held.ul <= load.used.ul);
  return {rest(load.capacity.dl, load.used.dl - held.dl),
          rest(load.capacity.ul, load.used.ul - held.ul)};
}

}  // namespace lobo::core_sim
