#pragma once
// A SEAL group management server beside the network (TS 29.549, SS_GroupManagement): who belongs to
// which VAL group, and a person's hand on it. It knows names of the VAL layer and no UE of the
// network.

#include <map>
#include <set>
#include <string>

#include "api/group_management.hpp"
#include "api/net_control.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/network.hpp"

namespace lobo::core_sim {

class Groups {
 public:
  explicit Groups(const Network& network);

  /// GET of the group documents.
  Answer documents(const Call& call) const;
  /// What the control API has of groups.
  Answer control(const Call& call);

 private:
  struct Group {
    std::set<std::string> ues;
    std::set<std::string> users;
  };
  using All = std::map<std::string, Group, std::less<>>;

  static api::net_control::NetGroup view(const All::value_type& group);
  static api::group_management::VALGroupDocument document(const All::value_type& group);

  const CoreConfig& config_;
  All groups_;
};

}  // namespace lobo::core_sim
