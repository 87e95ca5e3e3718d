#pragma once

#include "cli.hpp"

namespace lobo::app {

Verb session_verb();

}  // namespace lobo::app
