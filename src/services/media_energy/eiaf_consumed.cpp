// What was consumed under a policy outlives the process.

#include <algorithm>
#include <string>
#include <utility>

#include "api/state/media_energy.hpp"
#include "base/clock.hpp"
#include "services/media_energy/consumed.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/policy_run.hpp"
#include "services/media_energy/ports.hpp"
#include "wire/json/json.hpp"

namespace lobo::media_energy {

namespace state = api::state::media_energy;

void Eiaf::consumed_before(const std::string& id, const std::string& body) {
  auto stored = json::read<state::ConsumedState>(body);
  if (!stored) return;
  const auto slash = std::min(id.find('/'), id.size() - 1);
  const auto session = sessions_.find(id.substr(0, slash));
  if (session != sessions_.end()) {
    const auto policy = session->second.policies.find(id.substr(slash + 1));
    if (policy != session->second.policies.end()) {
      policy->second.run.restore(*stored);
      policy->second.kept = std::move(*stored);
      return;
    }
  }
  tell({std::string(consumed_kind), id}, "end", {});  // of a policy that was deleted meanwhile
}

void Eiaf::keep_consumed(const std::string& session, const std::string& policy, Running& running,
                         bool at_once, Instant now) {
  if (!at_once && now < running.keep_at) return;
  running.keep_at = now + consumed_kept_every;
  auto consumed = running.run.consumed();
  if (consumed == running.kept) return;
  running.kept = std::move(consumed);
  tell({std::string(consumed_kind), consumed_id(session, policy)}, "consumed",
       json::write(running.kept));
}

}  // namespace lobo::media_energy
