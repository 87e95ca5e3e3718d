#include "wire/http/problem.hpp"

#include <gtest/gtest.h>

#include "base/result.hpp"

namespace lobo::http {
namespace {

TEST(problem, tells_status_cause_and_every_fault) {
  const auto response =
      problem({Errc::missing,
               "a \"quoted\" detail",
               {{Errc::missing, "/a/0", "is required"}, {Errc::pattern, "header:x", ""}}},
              "/r/1");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.headers.find("content-type"), "application/problem+json");
  EXPECT_EQ(
      response.body,
      R"({"title":"Missing member","status":400,"detail":"a \"quoted\" detail","instance":"/r/1","cause":"MANDATORY_IE_MISSING",)"
      R"("invalidParams":[{"param":"/a/0","reason":"is required"},{"param":"header:x"}]})");
}

TEST(problem, a_fault_in_the_query_has_its_own_cause) {
  EXPECT_NE(problem({Errc::malformed, "", {{Errc::malformed, "query:a", ""}}})
                .body.find("\"INVALID_QUERY_PARAM\""),
            std::string::npos);
}

TEST(problem, asks_to_come_back_or_to_authenticate) {
  EXPECT_EQ(problem({Errc::too_many, "", {}}).headers.find("retry-after"), "1");
  EXPECT_EQ(problem({Errc::unavailable, "", {}}).headers.find("retry-after"), "1");
  EXPECT_EQ(problem({Errc::unauthenticated, "", {}}).headers.find("www-authenticate"), "Bearer");
  EXPECT_FALSE(problem({Errc::conflict, "", {}}).headers.find("retry-after").has_value());
}

TEST(problem, what_a_peer_wrote_stays_valid_json) {
  const auto body =
      problem({Errc::malformed, std::string("a\x01\n\\"), {{Errc::malformed, "\xFF", "r"}}}).body;
  EXPECT_NE(body.find(R"(a\u0001\u000a\\)"), std::string::npos);
  EXPECT_EQ(body.find('\xFF'), std::string::npos);
}

TEST(problem, every_kind_of_wrong_is_an_error_status_with_a_cause) {
  for (int code = 0; code <= static_cast<int>(Errc::internal); ++code) {
    const auto kind = problem_kind(static_cast<Errc>(code));
    EXPECT_GE(kind.status, 400);
    EXPECT_LE(kind.status, 599);
    EXPECT_FALSE(kind.cause.empty());
  }
}

}  // namespace
}  // namespace lobo::http
