#include "capabilities.hpp"

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/admin.hpp"
#include "base/text.hpp"
#include "version_info.hpp"
#include "wire/resource/route.hpp"

namespace lobo::app {

Reach reach_of(const CapabilityFlow& flow, bool simulated_network) {
  if (!flow.done) return Reach::absent;
  return simulated_network ? Reach::simulated : Reach::confirmed;
}

api::admin::Capabilities capabilities_of(const std::vector<resource::Operation>& operations,
                                         bool simulated_network) {
  api::admin::Capabilities out;
  out.version = build_version;
  out.commit = build_commit;
  out.network =
      simulated_network ? api::admin::NetworkKind::simulated : api::admin::NetworkKind::real;
  for (const auto& flow : flows()) {
    api::admin::FlowCapability one;
    one.table = flow.id;
    one.clause = flow.clause;
    one.name = flow.name;
    one.operation = flow.operation;
    one.control_plane = reach_of(flow, simulated_network);
    one.user_plane = Reach::absent;
    if (!flow.tests.empty())
      for (const auto test : split(flow.tests, ' ')) one.tests.emplace_back(test);
    out.flows.push_back(std::move(one));
  }
  for (const auto& operation : operations)
    out.operations.push_back(
        {std::string(operation.id), std::string(operation.method), std::string(operation.path)});
  return out;
}

}  // namespace lobo::app
