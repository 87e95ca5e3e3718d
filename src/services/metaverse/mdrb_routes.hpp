#pragma once
// Method and path <-> event, for blocks, assets and their media.

#include <vector>

#include "services/metaverse/media_store.hpp"
#include "services/metaverse/ports.hpp"
#include "wire/resource/route.hpp"

namespace lobo::metaverse {

/// Both outlive the routes.
std::vector<resource::Route> mdrb_routes(const Settings& settings, const MediaStore& media);

}  // namespace lobo::metaverse
