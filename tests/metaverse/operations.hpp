#pragma once
// Every operation of the metaverse enabler, and how to ask for it well.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "metaverse/world.hpp"

namespace lobo::app::testing {

struct MmOperation {
  std::string_view id;
  std::string method;
  int status;
  std::string body;  ///< empty: it takes none
  std::string who;
  bool of_one;  ///< of something that exists and has an owner
  /// Makes what it needs, and gives the path.
  std::function<std::string(MmWorld&)> path;
};

std::vector<MmOperation> mm_operations();

}  // namespace lobo::app::testing
