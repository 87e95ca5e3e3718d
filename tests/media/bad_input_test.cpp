// Bodies that are not as they should be, through the whole media application function: a clear
// refusal that names the member, nothing changed, and the server serves on.

#include <gtest/gtest.h>

#include <string>

#include "api/common.hpp"
#include "contract/bad_bodies.hpp"
#include "contract/declared.hpp"
#include "media/world.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"

namespace lobo::app::testing {
namespace {

::testing::AssertionResult names(const http::Response& response, const std::string& where) {
  const auto problem = json::read<api::common::ProblemDetails>(response.body);
  if (!problem) return ::testing::AssertionFailure() << "no ProblemDetails: " << response.body;
  if (problem->invalid_params)
    for (const auto& param : *problem->invalid_params)
      if (where.starts_with(param.param) || param.param.starts_with(where))
        return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "does not name " << where << ": " << response.body;
}

TEST(media_bad_input, is_refused_by_the_name_of_the_member_and_changes_nothing) {
  for (const auto& operation : media_operations()) {
    if (!operation.body.starts_with('{')) continue;  // XML is spoiled where it is read.
    MediaWorld world;
    world.on_answer = [](const http::Request& request, const http::Response& response) {
      const auto wrong = contract::wrong_with(request, response);
      EXPECT_TRUE(wrong.empty()) << wrong;
    };
    auto at = operation.path(world);
    const auto bodies = contract::spoiled(operation.body);
    for (const auto& body : bodies) {
      SCOPED_TRACE(std::string(operation.id) + ' ' + body.where + ": " + body.what);
      const auto before = world.durable();
      const auto response = world.ask(operation.method, at, body.text, {}, operation.who);
      if (response.status >= 400 && response.status < 500) {
        // What is wrong in itself is named; what does not fit another member may be named there.
        if (response.status == 400) {
          const bool in_itself = body.always_wrong && body.what != "nothing";
          EXPECT_TRUE(names(response, in_itself ? body.where : ""));
        }
        ASSERT_TRUE(before == world.durable()) << response.status;
        continue;
      }
      ASSERT_TRUE(response.status >= 200 && response.status < 300)
          << response.status << ' ' << response.body.substr(0, 300);
      // A list may lose its only item, and a merge patch takes away by null.
      const bool may_go = body.what == "nothing" || operation.method == "PATCH";
      EXPECT_TRUE(!body.always_wrong || may_go) << response.status;
      // What belongs to one session once can be made once: a fresh one for the next.
      if (operation.method == "POST" && response.status == 201) at = operation.path(world);
    }
    EXPECT_GT(bodies.size(), 15U) << operation.id;
    EXPECT_EQ(world.ask("GET", "/3gpp-m1/v2/provisioning-sessions").status, 200);
  }
}

}  // namespace
}  // namespace lobo::app::testing
