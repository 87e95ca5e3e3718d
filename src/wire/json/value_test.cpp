#include "wire/json/value.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "wire/json/json.hpp"
#include "wire/json/pointer.hpp"

namespace lobo::json {
namespace {

struct Case {
  std::string_view target, patch, result;
};

// The cases of RFC 7396 appendix A, as facts: target, patch, result.
constexpr Case appendix_a[]{
    {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
    {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
    {R"({"a":"b"})", R"({"a":null})", R"({})"},
    {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
    {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
    {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
    {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
    {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
    {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
    {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
    {R"({"a":"foo"})", R"(null)", R"(null)"},
    {R"({"a":"foo"})", R"("bar")", R"("bar")"},
    {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
    {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
    {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
};

TEST(merge_patch, the_cases_of_rfc_7396_appendix_a_hold) {
  for (const auto& [target, patch, result] : appendix_a)
    EXPECT_EQ(merge_patch(target, patch), result) << patch;
}

TEST(merge_patch, unknown_members_order_and_digits_of_the_target_are_kept) {
  EXPECT_EQ(merge_patch(R"({"z":1.50,"new":{"deep":[1e2]},"a":18446744073709551616})",
                        R"({"a2":"\u00e9"})"),
            "{\"z\":1.50,\"new\":{\"deep\":[1e2]},\"a\":18446744073709551616,\"a2\":\"\xC3\xA9\"}");
}

TEST(merge_patch, what_is_no_json_is_refused_on_either_side) {
  EXPECT_EQ(merge_patch("{", "{}").error().code, Errc::malformed);
  EXPECT_EQ(merge_patch("{}", "{").error().code, Errc::malformed);
  EXPECT_EQ(merge_patch("{}", R"({"a":1,"a":null})").error().code, Errc::duplicate);
}

TEST(value, each_kind_is_parsed_and_written) {
  const std::string text = R"([null,true,-1.5e3,"a\nb",[],{"k":{}}])";
  const auto value = parse(text);
  ASSERT_TRUE(value);
  EXPECT_EQ(to_text(*value), text);
}

TEST(value, members_are_found_and_what_is_something_else_is_nothing) {
  const auto value = parse(R"({"n":5,"s":"x","b":false,"f":5.0})");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->find("n")->integer(), 5);
  EXPECT_EQ(*value->find("s")->text(), "x");
  EXPECT_EQ(value->find("b")->boolean(), false);
  EXPECT_EQ(value->find("f")->integer(), std::nullopt);
  EXPECT_EQ(value->find("s")->integer(), std::nullopt);
  EXPECT_EQ(value->find("absent"), nullptr);
  EXPECT_EQ(value->find("s")->find("n"), nullptr);
}

TEST(value, the_depth_is_bounded) {
  EXPECT_TRUE(parse(std::string(depth_max, '[') + std::string(depth_max, ']')));
  EXPECT_FALSE(parse(std::string(depth_max + 1, '[') + std::string(depth_max + 1, ']')));
}

// RFC 6901 clause 5 has the names of these members.
TEST(pointer, tokens_are_escaped_as_rfc_6901_wants_it) {
  EXPECT_EQ(pointer_append("", "a/b"), "/a~1b");
  EXPECT_EQ(pointer_append("", "m~n"), "/m~0n");
  EXPECT_EQ(pointer_append("", ""), "/");
  EXPECT_EQ(pointer_append("", " "), "/ ");
  EXPECT_EQ(pointer_append("/foo", std::size_t{0}), "/foo/0");
  EXPECT_EQ(pointer_token("~1"), "~01");
}

}  // namespace
}  // namespace lobo::json
