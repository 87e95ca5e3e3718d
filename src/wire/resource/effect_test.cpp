#include "wire/resource/effect.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace lobo::resource {
namespace {

using namespace std::chrono_literals;

struct Golden {
  Effect effect;
  std::string text;
};

std::vector<Golden> goldens() {
  CallNetwork call;
  call.name = "reserve";
  call.peer = "nef";
  call.deadline = 5000ms;
  call.request.method = "POST";
  call.request.target = "/3gpp-as-session-with-qos/v1/lobo/subscriptions";
  call.request.headers.add("content-type", "application/json");
  call.request.body = R"({"qosReference":"video \ hd"})";
  return {
      {call,
       R"({"v":1,"type":"call","name":"reserve","peer":"nef","deadlineMs":5000,"request":{"method":"POST",)"
       R"("target":"/3gpp-as-session-with-qos/v1/lobo/subscriptions",)"
       R"("headers":[["content-type","application/json"]],)"
       R"("body":"{\"qosReference\":\"video \\ hd\"}"}})"},
      {Notify{"http://127.0.0.1:9/n", 7, "{\"a\":\n1}", "14.3.3.3.2"},
       R"({"v":1,"type":"notify","to":"http://127.0.0.1:9/n","sequence":7,"clause":"14.3.3.3.2",)"
       R"("body":"{\"a\":\u000a1}"})"},
      {StartTimer{"answer", Instant(1764000000000001us)},
       R"({"v":1,"type":"start_timer","name":"answer","dueUs":1764000000000001})"},
      {StopTimer{"answer"}, R"({"v":1,"type":"stop_timer","name":"answer"})"},
      {Tell{{"ue_watch", "msisdn-491"}, "wanted", "é"},
       R"({"v":1,"type":"tell","kind":"ue_watch","id":"msisdn-491","what":"wanted","body":"é"})"},
  };
}

TEST(effect, is_written_as_the_golden_text) {
  for (const auto& golden : goldens()) EXPECT_EQ(to_json(golden.effect), golden.text);
}

TEST(effect, is_read_from_the_golden_text) {
  for (const auto& golden : goldens()) {
    const auto read = effect_from_json(golden.text);
    ASSERT_TRUE(read) << read.error().detail << golden.text;
    EXPECT_EQ(*read, golden.effect);
  }
}

TEST(effect, of_an_unknown_version_is_refused) {
  const auto read = effect_from_json(R"({"v":2,"type":"stop_timer","name":"answer"})");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().faults.at(0).where, "/v");
  EXPECT_FALSE(effect_from_json(R"({"type":"stop_timer","name":"answer"})"));
}

TEST(effect, of_an_unknown_type_is_refused) {
  const auto read = effect_from_json(R"({"v":1,"type":"reply"})");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().faults.at(0).where, "/type");
}

TEST(effect, without_one_of_its_members_is_refused_and_the_member_is_named) {
  const auto read =
      effect_from_json(R"({"v":1,"type":"notify","to":"x","sequence":1,"body":"{}"})");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().faults.at(0).where, "/clause");
}

TEST(effect, ignores_members_that_a_later_release_of_the_same_version_added) {
  const auto read = effect_from_json(R"({"v":1,"type":"stop_timer","name":"answer","why":[1]})");
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, Effect(StopTimer{"answer"}));
}

TEST(effect, with_bytes_that_are_no_text_can_still_be_read_back) {
  EXPECT_TRUE(effect_from_json(to_json(Tell{{"k", "i"}, "\xff", ""})));
}

TEST(effect, comes_back_as_it_was_written) {
  rc::check("read(write(x)) == x", [](std::uint32_t sequence) {
    const auto text = *rc::gen::container<std::string>(rc::gen::inRange<char>(0, 127));
    Notify notify{text, sequence, text, text};
    RC_ASSERT(*effect_from_json(to_json(notify)) == Effect(notify));
    CallNetwork call;
    call.name = text;
    call.request.method = text;
    call.request.headers.add(text, text);
    call.request.body = text;
    RC_ASSERT(*effect_from_json(to_json(call)) == Effect(call));
  });
}

TEST(effect, that_was_cut_short_is_refused) {
  for (const auto& golden : goldens())
    for (std::size_t size = 0; size < golden.text.size(); ++size)
      EXPECT_FALSE(effect_from_json(std::string_view(golden.text).substr(0, size)));
}

}  // namespace
}  // namespace lobo::resource
