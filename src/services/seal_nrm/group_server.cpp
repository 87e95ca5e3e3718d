#include "services/seal_nrm/group_server.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/group_management.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/southbound_request.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::seal_nrm {
namespace {

GroupAnswer unknown(std::string why) {
  return {.verdict = GroupVerdict::unknown, .group = {}, .why = std::move(why)};
}

/// Ascending, each once, and at most one more than may be.
void put_in_order(std::vector<GroupMember>& members, std::size_t members_max) {
  std::ranges::sort(members);
  members.erase(std::ranges::unique(members).begin(), members.end());
  if (members.size() > members_max + 1) members.resize(members_max + 1);
}

}  // namespace

// TS 29.549, RetrieveValGroupDocs.
http::Request group_request(std::string_view val_group_id) {
  return request_of("GET",
                    "/ss-gm/v1/group-documents?val-group-id=" + http::percent_encode(val_group_id));
}

GroupAnswer read_group(const Result<http::Response>& response, std::string_view val_group_id,
                       std::size_t members_max) {
  if (!response) return unknown(response.error().detail);
  if (response->status == 204 || response->status == 404)
    return {.verdict = GroupVerdict::none, .group = {}, .why = {}};
  if (response->status != 200) return unknown("it answered " + std::to_string(response->status));
  const auto documents =
      json::read<std::vector<api::group_management::VALGroupDocument>>(response->body);
  if (!documents) return unknown("its answer is no list of group documents");
  GroupAnswer answer;
  answer.verdict = GroupVerdict::none;
  for (const auto& document : *documents) {
    // A server that does not know the filter lists other groups as well.
    if (document.val_group_id != val_group_id) continue;
    answer.verdict = GroupVerdict::there;
    if (!document.members) continue;
    for (const auto& member : *document.members)
      answer.group.members.push_back(
          member.val_user_id ? GroupMember{.user = true, .id = *member.val_user_id}
                             : GroupMember{.user = false, .id = member.val_ue_id.value_or("")});
  }
  put_in_order(answer.group.members, members_max);
  answer.group.revision = revision_of(answer.group.members);
  return answer;
}

std::string group_named(std::string_view body) {
  constexpr std::string_view member = "valGroupId";
  if (body.find(member) == std::string_view::npos) return {};  // Spares reading it twice.
  const auto value = json::parse(body);
  const auto* id = value ? value->find(member) : nullptr;
  if (id == nullptr || id->text() == nullptr || id->text()->size() > group_id_bytes_max) return {};
  return *id->text();
}

}  // namespace lobo::seal_nrm
