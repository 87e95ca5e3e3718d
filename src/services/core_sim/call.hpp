#pragma once
// One request to the network, after its route was found and it was let in.

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/config.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/route.hpp"

namespace lobo::core_sim {

struct Call {
  const http::Request& request;
  const resource::Operation& operation;
  const resource::PathParams& params;
  Instant now;
  bool callbacks_first = false;         ///< the allocation event leaves before the answer
  bool allocation_fails = false;        ///< by a planned fault
  const OAuthClient* client = nullptr;  ///< whose token came along; null where none is needed

  /// A path parameter of the operation's template; empty where it has none of that name.
  std::string_view param(std::string_view name) const {
    const auto at = params.find(name);
    return at == params.end() ? std::string_view{} : std::string_view(at->second);
  }
};

/// Whether `scs_as_id` is an AF that the operator knows and the caller may speak for. `where` names
/// the member that said so; empty: the path.
Outcome<void> check_af(const Call& call, const CoreConfig& config, std::string_view scs_as_id,
                       std::string_view where);

}  // namespace lobo::core_sim
