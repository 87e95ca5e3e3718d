#include "services/core_sim/groups.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/common.hpp"
#include "api/group_management.hpp"
#include "api/net_control.hpp"
#include "base/result.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/network.hpp"
#include "wire/http/url.hpp"

namespace lobo::core_sim {

namespace operation = api::net_control::operation;

Groups::Groups(const Network& network) : config_(network.config) {
  for (const auto& group : config_.groups)
    groups_.emplace(group.id, Group{{group.val_ues.begin(), group.val_ues.end()},
                                    {group.val_users.begin(), group.val_users.end()}});
}

api::net_control::NetGroup Groups::view(const All::value_type& group) {
  api::net_control::NetGroup shown;
  shown.val_group_id = group.first;
  shown.val_ue_ids = {group.second.ues.begin(), group.second.ues.end()};
  shown.val_user_ids = {group.second.users.begin(), group.second.users.end()};
  return shown;
}

api::group_management::VALGroupDocument Groups::document(const All::value_type& group) {
  api::group_management::VALGroupDocument shown;
  shown.val_group_id = group.first;
  std::vector<api::common::ValTargetUe> members;
  for (const auto& ue : group.second.ues) members.emplace_back().val_ue_id = ue;
  for (const auto& user : group.second.users) members.emplace_back().val_user_id = user;
  if (!members.empty()) shown.members = std::move(members);  // The list has one at least.
  return shown;
}

Answer Groups::documents(const Call& call) const {
  const auto parameters = http::parse_query(http::split_target(call.request.target).query);
  if (!parameters) return refuse(parameters.error());
  std::string_view wanted;
  for (const auto& [name, value] : *parameters)
    if (name == "val-group-id") wanted = value;
  std::vector<api::group_management::VALGroupDocument> found;
  for (const auto& group : groups_)
    if (wanted.empty() || group.first == wanted) found.push_back(document(group));
  return json_answer(200, found);
}

Answer Groups::control(const Call& call) {
  if (call.operation.id == operation::list_net_groups) {
    api::net_control::NetGroups all;
    for (const auto& group : groups_) all.groups.push_back(view(group));
    return json_answer(200, all);
  }
  const auto body = read_body<api::common::ValTargetUe>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(body.error());
  const std::string& member = body->val_ue_id ? *body->val_ue_id : *body->val_user_id;
  auto found = groups_.find(call.param("groupId"));
  if (call.operation.id == operation::remove_net_group_member) {
    if (found == groups_.end()) return refuse(Errc::not_found, "There is no such group.");
    auto& members = body->val_ue_id ? found->second.ues : found->second.users;
    if (members.erase(member) == 0) return refuse(Errc::not_found, "The group has no such member.");
    return json_answer(200, view(*found));
  }
  if (found == groups_.end()) {
    if (groups_.size() >= config_.limits.groups_max)
      return refuse(Errc::too_many, "There are as many groups as there may be.");
    found = groups_.emplace(std::string(call.param("groupId")), Group{}).first;
  }
  auto& members = body->val_ue_id ? found->second.ues : found->second.users;
  if (members.size() >= config_.limits.group_members_max)
    return refuse(Errc::too_many, "The group has as many members as it may have.");
  members.insert(member);
  return json_answer(200, view(*found));
}

}  // namespace lobo::core_sim
