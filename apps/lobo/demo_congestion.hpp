#pragma once
// `lobo demo congestion`: what the command line says of it, and what it tells on the way.

#include "cli.hpp"

namespace lobo::app {

Verb congestion_verb();

}  // namespace lobo::app
