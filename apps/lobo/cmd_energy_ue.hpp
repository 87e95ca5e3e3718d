#pragma once
// `lobo energy ue`, beside the other verbs of its noun.

#include "cli.hpp"

namespace lobo::app {

Verb energy_ue_verb();

}  // namespace lobo::app
