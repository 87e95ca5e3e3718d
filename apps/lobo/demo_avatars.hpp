#pragma once
// `lobo demo avatars`: browsers and native clients in one room see each other's avatars move, over
// a network that a slider makes worse.

#include "cli.hpp"

namespace lobo::app {

Verb avatars_verb();

}  // namespace lobo::app
