// The members, or what they shall have, become others: by PATCH, or because the group is another.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/state/adaptation.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/adaptation_checks.hpp"
#include "services/seal_nrm/adaptation_page.hpp"
#include "services/seal_nrm/adaptation_step.hpp"
#include "services/seal_nrm/adaptation_view.hpp"
#include "services/seal_nrm/mm_qos.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

using api::state::adaptation::AdaptationChange;
using api::state::adaptation::PageAssign;

namespace {

using Name = std::pair<bool, std::string>;
Name key_of(const UeName& name) {
  return name.user ? Name{true, *name.user} : Name{false, name.ue.value_or("")};
}

}  // namespace

Result<std::vector<PageState>> AdaptationStep::all_pages() const {
  std::vector<PageState> pages;
  for (std::uint64_t number = 0; number < state_.pages; ++number) {
    auto page = page_of(key_.id, number, lookup_);
    if (!page) return fail(page.error());
    pages.push_back(std::move(*page));
  }
  return pages;
}

std::vector<std::uint64_t> AdaptationStep::every_page() const {
  std::vector<std::uint64_t> all(state_.pages);
  std::iota(all.begin(), all.end(), std::uint64_t{0});
  return all;
}

/// Lets the pages have exactly `members`, and returns those for which that is a change. Only
/// between rounds: what the pages hold is then what the store says. Cost: one read of each page.
Result<std::vector<std::uint64_t>> AdaptationStep::assign(const std::vector<UeName>& members,
                                                          bool say) {
  const auto pages = all_pages();
  if (!pages) return fail(pages.error());
  std::map<std::uint64_t, PageAssign> orders;
  const auto order_for = [&](std::uint64_t number) -> PageAssign& {
    auto& order = orders[number];
    if (say) order.say = true;
    return order;
  };
  std::set<Name> wanted;
  for (const auto& name : members) wanted.insert(key_of(name));
  std::set<Name> there;
  for (std::uint64_t number = 0; number < pages->size(); ++number)
    for (const auto& member : (*pages)[number].members) {
      const UeName name{.ue = member.ue, .user = member.user};
      const bool stays = wanted.contains(key_of(name));
      // One that is leaving stays on its page, so that it is not asked for twice.
      if (stays) there.insert(key_of(name));
      auto& change = order_for(number);
      if (stays && member.dropped.value_or(false)) {
        if (!change.add) change.add.emplace();
        change.add->push_back(name);
      } else if (!stays && !member.dropped.value_or(false)) {
        if (!change.drop) change.drop.emplace();
        change.drop->push_back(name);
      }
    }
  std::uint64_t at = 0;
  std::size_t used = 0;
  const auto used_of = [&](std::uint64_t number) {
    return number < pages->size() ? (*pages)[number].members.size() : std::size_t{0};
  };
  used = used_of(at);
  for (const auto& name : members) {
    if (there.contains(key_of(name))) continue;
    while (used >= page_members_max) used = used_of(++at);
    auto& change = order_for(at);
    if (!change.add) change.add.emplace();
    change.add->push_back(name);
    ++used;
    state_.pages = std::max(state_.pages, at + 1);
  }
  std::vector<std::uint64_t> touched;
  for (const auto& [number, order] : orders) {
    if (!order.add && !order.drop) continue;
    effects_.tell(page_key(key_.id, number), "assign", json::write(order));
    touched.push_back(number);
  }
  state_.members = members.size();
  return touched;
}

Result<CheckedAdaptationChange> AdaptationStep::check_change(const resource::Command& command) {
  if (!state_.mm)
    return check_adaptation_change(state_.doc, state_.qos, command.http.body, owner_, settings_,
                                   directory_, now_);
  auto checked = check_mm_qos_change(*state_.mm, state_.doc, state_.qos, command.http.body, owner_,
                                     settings_, directory_, now_);
  if (!checked) return fail(std::move(checked.error()));
  // Where the quality changes it holds once the network has agreed.
  if (checked->adaptation.qos) {
    state_.change.emplace();
    state_.change->mm = std::move(checked->mm);
  } else {
    state_.mm = std::move(checked->mm);
  }
  return std::move(checked->adaptation);
}

/// PATCH.
Result<void> AdaptationStep::modify(const resource::Command& command) {
  if (owner_ != command.who.subject)
    return fail(Errc::not_found, "no such network resource adaptation");
  if (state_.stage != AdaptationStage::active)
    return fail(Errc::conflict, "only an adaptation that has been answered can be changed");
  if (at_work()) return fail(Errc::conflict, "another change is under way");
  auto checked = check_change(command);
  if (!checked) return fail(std::move(checked.error()));

  clause_ = "14.3.3.3.1 change";
  state_.modify_request = command.request;
  state_.changed_at = now_;
  effects_.start(timer_adaptation_answer, now_ + settings_.limits.answer_within);
  if (checked->qos) {
    // Where nobody gets it, all stays as it was.
    AdaptationChange change = state_.change.value_or(AdaptationChange{});
    change.doc = std::move(checked->doc);
    change.qos = std::move(*checked->qos);
    state_.change = std::move(change);
    ++state_.revision;
  } else {
    state_.doc = std::move(checked->doc);
    schedule_expiry();
  }
  std::vector<std::uint64_t> pages;
  if (checked->members) {
    auto touched = assign(*checked->members, false);
    if (!touched) return fail(std::move(touched.error()));
    pages = std::move(*touched);
  }
  if (state_.change) pages = every_page();
  begin_round(std::move(pages), false);  // None where nothing concerns the members.
  return {};
}

/// The round is over, or the answer time is: what the members have got.
void AdaptationStep::answer_modify() {
  clause_ = "14.3.3.3.1 change";
  effects_.stop(timer_adaptation_answer);
  if (auto change = std::exchange(state_.change, std::nullopt)) {
    const auto kept = change->kept.value_or(0) + state_.counts.refused;
    if (!at_work() && kept > 0 && static_cast<std::uint64_t>(kept) >= state_.members) {
      const std::string cause = state_.first_refusal.value_or("REQUESTED_SERVICE_NOT_AUTHORIZED");
      state_.first_refusal.reset();
      effects_.reply(
          state_.modify_request,
          refusal_response({403, "Refused for every UE", cause,
                            "no UE got what was asked for, all is as it was; the first was "
                            "refused with " +
                                cause}));
      return;
    }
    state_.doc = std::move(change->doc);
    state_.qos = std::move(change->qos);
    const bool configured = change->mm.has_value();
    if (configured) state_.mm = std::move(change->mm);
    schedule_expiry();
    if (configured) tell_configuration();
  }
  state_.first_refusal.reset();
  if (!state_.modify_request) return;
  if (auto shown = representation(200))
    effects_.reply(state_.modify_request, std::move(*shown), true);
  else
    effects_.reply(state_.modify_request,
                   refusal_response({503, "The store cannot be read", "INSUFFICIENT_RESOURCES",
                                     "the change is made; what became of it cannot be read now"}));
}

/// Whether the group has other members than the pages have. At once when somebody says so, else
/// after each round and each group_check.
void AdaptationStep::follow_group() {
  if (!state_.doc.val_group_id || state_.stage != AdaptationStage::active || at_work()) return;
  const auto group = visible_group(directory_, *state_.doc.val_group_id, owner_);
  const std::uint64_t revision = group ? group->revision : 0;
  if (revision == state_.group_revision.value_or(0)) return;
  // Nobody says that it is gone: who was a member when somebody could be asked is one still.
  if (!group && directory_.group_unsettled(*state_.doc.val_group_id)) return;
  if (group && group->members.size() > settings_.limits.adaptation_members_max) {
    // Those that are there keep what they have.
    state_.group_revision = revision;
    state_.cause = "GROUP_TOO_LARGE";
    return notify("GROUP_NOT_FOLLOWED", "GROUP_TOO_LARGE");
  }
  std::vector<UeName> members;
  if (group)
    for (const auto& member : group->members) members.push_back(name_of(member));
  clause_ = "14.3.3.3.1 group";
  auto pages = assign(members, true);
  if (!pages) return;  // The store; the next check tries again.
  state_.group_revision = revision;
  state_.changed_at = now_;
  state_.cause = group ? std::nullopt : std::optional<std::string>("GROUP_NOT_FOUND");
  begin_round(std::move(*pages), true);
}

}  // namespace lobo::seal_nrm
