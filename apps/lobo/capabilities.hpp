#pragma once
// What this build can do, from the spec map (flows) and from the routes that are bound
// (operations): nothing in it is written by hand, so it cannot promise more than tests and routes
// hold.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/admin.hpp"
#include "wire/resource/route.hpp"

namespace lobo::app {

/// One information flow of docs/spec-map.md; the table is generated at build time.
struct CapabilityFlow {
  std::string_view id;  ///< "T7"
  std::string_view clause;
  std::string_view name;
  std::string_view operation;
  std::string_view tests;  ///< separated by spaces; none where it is not done
  bool done;
};
std::span<const CapabilityFlow> flows();

/// How far a flow's promise goes. `enforced` means that packets are treated so; no flow of this
/// build has a user plane of its own yet.
using api::admin::Reach;

/// `simulated_network`: what is configured southbound is `lobo netsim`.
Reach reach_of(const CapabilityFlow& flow, bool simulated_network);

/// The document of /status/capabilities.
api::admin::Capabilities capabilities_of(const std::vector<resource::Operation>& operations,
                                         bool simulated_network);

}  // namespace lobo::app
