// Requests of applications, and what they become at the core and in the answer, written by hand
// from the specifications: golden/NAME.json, NAME.call.json, NAME.reply.json.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "services/seal_nrm/ports.hpp"
#include "support/nrm_driver.hpp"
#include "support/text_file.hpp"
#include "wire/json/value.hpp"

namespace lobo::seal_nrm {
namespace {

using Driver = lobo::testing::NrmDriver;

struct Golden {
  std::string head;
  json::Value body;
};

std::string text_of(const std::string& name) {
  return lobo::testing::text_of_file(std::string(LOBO_GOLDEN) + "/" + name);
}

Golden golden(const std::string& name) {
  const auto text = text_of(name);
  const auto line = text.find('\n');
  auto body = json::parse(text.substr(line + 1));
  EXPECT_TRUE(body) << name;
  return {text.substr(0, line), body.value_or(json::Value{})};
}

/// Members in one order, whatever order they were written in.
json::Value sorted(json::Value value) {
  if (auto* object = std::get_if<json::Value::Object>(&value.held)) {
    for (auto& member : *object) member.value = sorted(std::move(member.value));
    std::ranges::sort(*object, {}, &json::Member::name);
  } else if (auto* array = std::get_if<json::Value::Array>(&value.held)) {
    for (auto& item : *array) item = sorted(std::move(item));
  }
  return value;
}

class golden_create : public ::testing::TestWithParam<const char*> {};

TEST_P(golden_create, becomes_the_call_and_the_answer_that_were_written_by_hand) {
  const std::string name = GetParam();
  Driver d;
  const auto request = d.create(text_of(name + ".json"));
  d.deliver_tells();
  ASSERT_FALSE(d.calls.empty()) << d.replies.at(request).body;
  d.answer_by_core();
  d.deliver_tells();
  const auto call = d.calls.front().call.request;
  const auto wanted_call = golden(name + ".call.json");
  EXPECT_EQ(call.method + " " + call.target, wanted_call.head);
  EXPECT_EQ(json::to_text(sorted(*json::parse(call.body))),
            json::to_text(sorted(wanted_call.body)));
  d.answer_by_core();
  const auto wanted_reply = golden(name + ".reply.json");
  EXPECT_EQ(std::to_string(d.status(request)), wanted_reply.head);
  EXPECT_EQ(json::to_text(sorted(d.body(request))), json::to_text(sorted(wanted_reply.body)));
}

INSTANTIATE_TEST_SUITE_P(files, golden_create, ::testing::Values("create_reference", "create_xr"),
                         [](const auto& file) { return std::string(file.param); });

TEST(golden_names, of_release_18_are_used_where_the_core_is_older) {
  Driver d;
  d.settings.core.names = MemberNames::release_18;
  d.create(text_of("create_xr.json"));
  d.deliver_tells();
  d.answer_by_core();
  d.deliver_tells();
  const auto body = *json::parse(d.calls.front().call.request.body);
  EXPECT_NE(body.find("pduSetQos"), nullptr);
  EXPECT_NE(body.find("protoDesc"), nullptr);
  for (const char* newer : {"pduSetQosDl", "protoDescDl", "datBurstSizeInd"})
    EXPECT_EQ(body.find(newer), nullptr) << newer;
}

}  // namespace
}  // namespace lobo::seal_nrm
