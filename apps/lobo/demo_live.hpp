#pragma once
// `lobo demo live`: an application asks for QoS, real video passes a congested cell with and
// without PDU-Set handling, and what was promised is told when it is broken.

#include "cli.hpp"

namespace lobo::app {

Verb live_verb();

}  // namespace lobo::app
