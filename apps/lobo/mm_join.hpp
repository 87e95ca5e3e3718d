#pragma once
// `lobo mm join` and `lobo mm token`: an emulated client of the metaverse enabler, and tokens for a
// laboratory that has none.

#include "cli.hpp"

namespace lobo::app {

Verb mm_join_verb();
Verb mm_token_verb();

}  // namespace lobo::app
