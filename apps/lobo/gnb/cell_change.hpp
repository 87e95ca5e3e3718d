#pragma once
// A change of the cell at run time, as a person or a demo asks for it: PUT /status/gnb/cell.

#include <optional>
#include <string_view>

#include "base/quantity.hpp"
#include "base/result.hpp"
#include "dataplane/radio/cell.hpp"
#include "dataplane/set_queue.hpp"

namespace lobo::app {

struct CellChange {
  std::optional<BitsPerSecond> rate;
  std::optional<dataplane::CellScheduler> scheduler;
  std::optional<dataplane::Policy> policy;
  bool operator==(const CellChange&) const = default;
};

/// A JSON object with at least one of the members, and no other.
Result<CellChange> read_cell_change(std::string_view body);

}  // namespace lobo::app
