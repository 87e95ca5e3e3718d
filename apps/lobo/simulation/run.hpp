#pragma once
// One history of the whole server against a faulty world: chaos, then calm, then release of
// everything, with the checkers on all the way.

#include <cstdint>
#include <optional>
#include <ostream>
#include <vector>

#include "simulation/checkers.hpp"
#include "simulation/plants.hpp"

namespace lobo::app::simulation {

/// By which door the server reaches the core.
enum class Door : std::uint8_t { nef, pcf };

struct Options {
  std::uint64_t seed = 1;
  std::uint64_t events_min = 2000;  ///< chaos goes on until so many pieces of work have run
  std::optional<Plant> plant;
  std::optional<Door> door;  ///< nothing: by the seed, a PCF for every third; a plant wants a NEF
  std::ostream* lines = nullptr;  ///< the history, a line a message
};

struct Report {
  std::uint64_t seed = 0;
  std::uint64_t digest = 0;
  std::uint64_t events = 0;
  std::uint64_t messages = 0;
  std::uint64_t crashes = 0;
  std::uint64_t confirmed = 0;  ///< 201 that applications read
  std::uint64_t notifications = 0;
  std::uint64_t reports = 0;  ///< of monitoring, repetitions too
  std::vector<Finding> findings;
};

Report run(const Options& options);

}  // namespace lobo::app::simulation
