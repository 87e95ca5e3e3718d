#pragma once
// The PCF as plain HTTP messages: Npcf_PolicyAuthorization (TS 29.514), found by the BSF's
// pcfBindings (TS 29.521). Requests are built here, answers are read here, and nobody else knows
// how they look. What was seen on real PCFs decides the form:
//
// - A PATCH carries the whole media component: some do not merge.
// - Each rule of a flow is written anew from the grammar: one without both ends crashes a peer.
// - Events are subscribed to with the session itself: some know no events-subscription. They are
//   never waited for unless this PCF was seen to send them.
// - A media type goes with figures only, and is one that all know.
//
// A session at a PCF that a BSF named is called "name@origin" in what we hold, else "name".

#include <optional>
#include <string>
#include <string_view>

#include "services/seal_nrm/southbound.hpp"

namespace lobo::seal_nrm {

const Southbound& pcf_southbound();

/// What we hold it by.
std::string app_session_id(std::string_view name, const std::optional<std::string>& located);
/// Where it is; nothing: at the configured PCF.
std::optional<std::string> origin_of(std::string_view id);

}  // namespace lobo::seal_nrm
