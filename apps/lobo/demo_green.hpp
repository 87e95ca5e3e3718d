#pragma once
// `lobo demo green`: a day in two minutes, in which players as they are follow the greenest of
// three places, and what that saved.

#include "cli.hpp"

namespace lobo::app {

Verb green_verb();

}  // namespace lobo::app
