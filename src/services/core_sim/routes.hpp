#pragma once
// Which operation a request means.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wire/resource/route.hpp"

namespace lobo::core_sim {

/// RFC 6749 clause 4.4.2. It has no API document of ours.
inline constexpr std::string_view request_access_token = "RequestAccessToken";

std::span<const resource::Operation> all_operations();

struct RouteMatch {
  const resource::Operation* operation = nullptr;
  resource::PathParams params;
};

/// `path` is without the query, percent-encoding kept. Where the path exists and the method does
/// not, `allowed` is filled, and there is no operation.
RouteMatch match_route(std::string_view method, std::string_view path,
                       std::vector<std::string_view>& allowed);

}  // namespace lobo::core_sim
