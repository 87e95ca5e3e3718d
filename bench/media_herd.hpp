#pragma once
// Players one by one through a signal step, a loss, a return and a restart: a part of the program
// media_energy.

#include <span>

namespace lobo::bench {

/// "plan" or "greenest", seconds between the polls of a player, seed. Prints one JSON object.
int herd(std::span<char*> words);

}  // namespace lobo::bench
