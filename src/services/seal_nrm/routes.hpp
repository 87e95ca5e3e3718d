#pragma once
// Method and path <-> event, for ss-nra and the core's callbacks about what it reserved.

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/resource/route.hpp"

namespace lobo::seal_nrm {

inline constexpr std::size_t list_limit_default = 100;
inline constexpr std::size_t list_limit_max = 1000;

/// What a list operation is asked for: `limit` and `cursor` of the query.
struct ListPage {
  std::size_t limit = list_limit_default;
  std::string after;
};
Result<ListPage> list_page_of(const resource::RouteContext& context);

/// `settings` outlives the routes.
std::vector<resource::Route> routes(const Settings& settings);

}  // namespace lobo::seal_nrm
