#include "services/seal_nrm/group_server.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::seal_nrm {
namespace {

Result<http::Response> says(std::string body, int status = 200) {
  return http::Response{status, {{"content-type", "application/json"}}, std::move(body)};
}

TEST(group_server, is_asked_for_one_group_by_its_identity) {
  EXPECT_EQ(group_request("crew").target, "/ss-gm/v1/group-documents?val-group-id=crew");
  EXPECT_EQ(group_request("a b&c/d").target,
            "/ss-gm/v1/group-documents?val-group-id=a%20b%26c%2Fd");
}

TEST(group_server, names_members_by_ue_or_user_in_any_order_and_each_counts_once) {
  const auto crew = read_group(
      says(
          R"([{"valGroupId":"crew","grpDesc":"x","members":[{"valUeId":"ue2"},{"valUserId":"ann"},)"
          R"({"valUeId":"ue1"},{"valUeId":"ue2"}]}])"),
      "crew", 10);
  ASSERT_EQ(crew.verdict, GroupVerdict::there);
  const std::vector<GroupMember> members{{false, "ue1"}, {false, "ue2"}, {true, "ann"}};
  EXPECT_EQ(crew.group.members, members);
  EXPECT_EQ(crew.group.revision, revision_of(members));
}

TEST(group_server, that_knows_no_filter_is_not_believed_about_other_groups) {
  const std::string both = R"([{"valGroupId":"others","members":[{"valUeId":"ue9"}]},)"
                           R"({"valGroupId":"crew","members":[{"valUeId":"ue1"}]}])";
  const std::vector<GroupMember> one{{false, "ue1"}};
  EXPECT_EQ(read_group(says(both), "crew", 10).group.members, one);
  EXPECT_EQ(read_group(says(both), "nobody", 10).verdict, GroupVerdict::none);
}

TEST(group_server, tells_an_empty_group_from_one_that_is_not_there) {
  const auto empty = read_group(says(R"([{"valGroupId":"crew"}])"), "crew", 10);
  EXPECT_EQ(empty.verdict, GroupVerdict::there);
  EXPECT_TRUE(empty.group.members.empty());
  EXPECT_NE(empty.group.revision, 0U);
  EXPECT_EQ(read_group(says("[]"), "crew", 10).verdict, GroupVerdict::none);
  EXPECT_EQ(read_group(says("", 404), "crew", 10).verdict, GroupVerdict::none);
}

TEST(group_server, says_nothing_by_an_error_or_by_what_cannot_be_read) {
  for (const auto& answer :
       {says("", 500), says("", 503), says("", 401), says("", 403), says(""), says("{}"),
        says("[1]"), says(R"([{"members":[]}])"), says(R"([{"valGroupId":"crew","members":[]}])"),
        says(R"([{"valGroupId":"crew","members":[{}]}])"),
        says(R"([{"valGroupId":"crew","members":[{"valUeId":"a","valUserId":"b"}]}])"),
        Result<http::Response>(fail(Errc::timeout, "no answer in time")),
        Result<http::Response>(fail(Errc::too_large, "the answer is too large"))}) {
    const auto read = read_group(answer, "crew", 10);
    EXPECT_EQ(read.verdict, GroupVerdict::unknown) << (answer ? answer->body : "no answer");
    EXPECT_FALSE(read.why.empty());
  }
}

TEST(group_server, with_more_members_than_may_be_is_seen_to_have_too_many_and_no_more_are_kept) {
  std::string members;
  for (int i = 0; i < 50; ++i)
    members += (i == 0 ? "" : ",") + std::string(R"({"valUeId":"ue)") + std::to_string(i) + "\"}";
  const auto crew =
      read_group(says(R"([{"valGroupId":"crew","members":[)" + members + "]}]"), "crew", 10);
  EXPECT_EQ(crew.group.members.size(), 11U);
}

TEST(group_server, is_asked_for_what_a_body_names_at_its_top_only) {
  EXPECT_EQ(group_named(R"({"valGroupId":"crew","notifUri":"http://x/"})"), "crew");
  for (const std::string none : {R"({"a":{"valGroupId":"crew"}})", R"({"valGroupId":7})",
                                 R"({"valGroupId":"crew")", "", "[]", R"({"valUeIds":[]})"})
    EXPECT_EQ(group_named(none), "") << none;
  EXPECT_EQ(group_named(R"({"valGroupId":")" + std::string(300, 'x') + "\"}"), "");
}

}  // namespace
}  // namespace lobo::seal_nrm
