#include "services/metaverse/policy_book.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/mm_pol.hpp"
#include "api/state/metaverse.hpp"
#include "sync/policy.hpp"
#include "wire/json/json.hpp"

namespace lobo::metaverse {

void PolicyBook::put(std::string_view id, std::string_view state) {
  const auto stored = json::read<api::state::metaverse::PolicyState>(state);
  if (!stored) return;
  auto said = json::read<api::mm_pol::SyncPolicyReq>(stored->text);
  if (!said) return;
  sync::Policy policy{std::string(id), stored->version.value_or(1), std::move(*said)};
  entries_.insert_or_assign(
      std::string(id),
      Entry{stored->owner, std::make_shared<const sync::Policy>(std::move(policy))});
}

void PolicyBook::erase(std::string_view id) {
  if (const auto found = entries_.find(id); found != entries_.end()) entries_.erase(found);
}

std::vector<sync::PolicyPtr> PolicyBook::for_owner(std::string_view owner) const {
  std::vector<sync::PolicyPtr> out;
  for (const auto& [id, entry] : entries_)
    if (entry.owner == owner ||
        std::ranges::find(settings_.operators, entry.owner) != settings_.operators.end())
      out.push_back(entry.policy);
  return out;
}

}  // namespace lobo::metaverse
