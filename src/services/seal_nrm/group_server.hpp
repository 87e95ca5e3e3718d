#pragma once
// A SEAL group management server as plain HTTP messages (TS 29.549, SS_GroupManagement): who
// belongs to a VAL group. Targets are relative to the peer's API root.
//
// Answers are hostile input: of a group beyond `members_max` no more than one member more is kept,
// which is enough for everybody to see that it is too large. What is no list of group documents
// says nothing about the group.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::seal_nrm {

/// The group management server among the peers.
inline constexpr std::string_view group_peer = "groups";
inline constexpr std::size_t group_id_bytes_max = 256;

http::Request group_request(std::string_view val_group_id);

enum class GroupVerdict : std::uint8_t {
  there,
  none,     ///< the server knows no such group
  unknown,  ///< it did not say
};
struct GroupAnswer {
  GroupVerdict verdict = GroupVerdict::unknown;
  DirectoryGroup group;  ///< with there; whoever may name it is not in the answer
  std::string why;       ///< with unknown
};
GroupAnswer read_group(const Result<http::Response>& response, std::string_view val_group_id,
                       std::size_t members_max);

/// The group that a request's body names, by the member that the APIs of this service have in
/// common; empty: none, or no such body.
std::string group_named(std::string_view body);

}  // namespace lobo::seal_nrm
