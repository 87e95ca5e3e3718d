#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::json {
namespace {

constexpr std::size_t enough = 65536;

struct Case {
  std::string_view target, patch, result;
};

// The cases of RFC 6902 appendix A that succeed, as facts: target, patch, result.
constexpr Case appendix_a[]{
    {R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux"}])",
     R"({"foo":"bar","baz":"qux"})"},
    {R"({"foo":["bar","baz"]})", R"([{"op":"add","path":"/foo/1","value":"qux"}])",
     R"({"foo":["bar","qux","baz"]})"},
    {R"({"baz":"qux","foo":"bar"})", R"([{"op":"remove","path":"/baz"}])", R"({"foo":"bar"})"},
    {R"({"foo":["bar","qux","baz"]})", R"([{"op":"remove","path":"/foo/1"}])",
     R"({"foo":["bar","baz"]})"},
    {R"({"baz":"qux","foo":"bar"})", R"([{"op":"replace","path":"/baz","value":"boo"}])",
     R"({"baz":"boo","foo":"bar"})"},
    {R"({"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}})",
     R"([{"op":"move","from":"/foo/waldo","path":"/qux/thud"}])",
     R"({"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}})"},
    {R"({"foo":["all","grass","cows","eat"]})",
     R"([{"op":"move","from":"/foo/1","path":"/foo/3"}])",
     R"({"foo":["all","cows","eat","grass"]})"},
    {R"({"baz":"qux","foo":["a",2,"c"]})",
     R"([{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}])",
     R"({"baz":"qux","foo":["a",2,"c"]})"},
    {R"({"foo":"bar"})", R"([{"op":"add","path":"/child","value":{"grandchild":{}}}])",
     R"({"foo":"bar","child":{"grandchild":{}}})"},
    {R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux","xyz":123}])",
     R"({"foo":"bar","baz":"qux"})"},
    {R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":10}])", R"({"/":9,"~1":10})"},
    {R"({"foo":["bar"]})", R"([{"op":"add","path":"/foo/-","value":["abc","def"]}])",
     R"({"foo":["bar",["abc","def"]]})"},
    // Not of the appendix: the whole document, copies, members that no schema knows, digits.
    {R"({"a":1.50})",
     R"([{"op":"copy","from":"/a","path":"/b"},{"op":"add","path":"/a","value":2}])",
     R"({"a":2,"b":1.50})"},
    {R"({"a":1})", R"([{"op":"replace","path":"","value":{"b":2}}])", R"({"b":2})"},
    {R"({"a":{"b":1.0,"c":2}})", R"([{"op":"test","path":"/a","value":{"c":2e0,"b":1}}])",
     R"({"a":{"b":1.0,"c":2}})"},
    {R"({"a":1})", R"([{"op":"add","path":"/","value":2}])", R"({"a":1,"":2})"},
    {R"({"a":1})", R"([])", R"({"a":1})"},
};

TEST(json_patch, the_cases_of_rfc_6902_hold) {
  for (const auto& [target, patch, result] : appendix_a)
    EXPECT_EQ(json_patch(target, patch, enough), result) << patch;
}

struct Refused {
  std::string_view patch;
  Errc code;
  std::string_view where;
};
constexpr Refused refused[]{
    {R"([{"op":"test","path":"/a","value":9}])", Errc::conflict, "/0/value"},
    {R"([{"op":"test","path":"/a","value":"1"}])", Errc::conflict, "/0/value"},
    {R"([{"op":"test","path":"/big","value":9007199254740993}])", Errc::conflict, "/0/value"},
    {R"([{"op":"add","path":"/x/y","value":1}])", Errc::not_allowed, "/0/path"},
    {R"([{"op":"add","path":"/b/3","value":1}])", Errc::not_allowed, "/0/path"},
    {R"([{"op":"add","path":"/b/01","value":1}])", Errc::not_allowed, "/0/path"},
    {R"([{"op":"add","path":"/b/1e0","value":1}])", Errc::not_allowed, "/0/path"},
    {R"([{"op":"replace","path":"/b/-","value":1}])", Errc::not_allowed, "/0/path"},
    {R"([{"op":"remove","path":"/x"}])", Errc::not_allowed, "/0/path"},
    {R"([{"op":"remove","path":""}])", Errc::not_allowed, "/0/path"},
    {R"([{"op":"move","from":"/c","path":"/c/d"}])", Errc::not_allowed, "/0/path"},
    {R"([{"op":"copy","from":"/x","path":"/y"}])", Errc::not_allowed, "/0/from"},
    {R"([{"op":"add","path":"a","value":1}])", Errc::pattern, "/0/path"},
    {R"([{"op":"add","path":"/~2","value":1}])", Errc::pattern, "/0/path"},
    {R"([{"op":"add","path":"/d"}])", Errc::missing, "/0/value"},
    {R"([{"op":"add","value":1}])", Errc::missing, "/0/path"},
    {R"([{"path":"/d","value":1}])", Errc::missing, "/0/op"},
    {R"([{"op":"copy","path":"/d"}])", Errc::missing, "/0/from"},
    {R"([{"op":"spam","path":"/d","value":1}])", Errc::not_allowed, "/0/op"},
    {R"([{"op":"remove","path":"/a"},7])", Errc::missing, "/1/op"},
    {R"({"a":2})", Errc::wrong_type, ""},
};

TEST(json_patch, that_does_not_apply_names_its_operation_and_member) {
  for (const auto& [patch, code, where] : refused) {
    const auto got =
        json_patch(R"({"a":1,"b":[1,2],"c":{},"big":9007199254740992})", patch, enough);
    ASSERT_FALSE(got) << patch;
    EXPECT_EQ(got.error().code, code) << patch;
    ASSERT_EQ(got.error().faults.size(), 1U) << patch;
    EXPECT_EQ(got.error().faults[0].where, where) << patch;
  }
}

TEST(json_patch, makes_nothing_that_is_too_large_or_too_deep) {
  std::string twice = "[";
  for (int i = 0; i < 60; ++i)
    twice += std::string(i > 0 ? "," : "") + R"({"op":"copy","from":"","path":"/x)" +
             std::to_string(i) + R"("})";
  const auto large = json_patch(R"({"a":"0123456789"})", twice + "]", enough);
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, Errc::too_large);
  std::string deep = "[";
  std::string path;
  for (std::size_t i = 0; i < depth_max + 4; ++i) {
    path += "/a";
    deep += std::string(i > 0 ? "," : "") + R"({"op":"add","path":")" + path + R"(","value":{}})";
  }
  EXPECT_EQ(json_patch("{}", deep + "]", enough).error().code, Errc::too_large);
  std::string many = "[";
  for (std::size_t i = 0; i <= patch_operations_max; ++i)
    many += std::string(i > 0 ? "," : "") + R"({"op":"test","path":"","value":{}})";
  EXPECT_FALSE(json_patch("{}", many + "]", enough));
}

RC_GTEST_PROP(json_patch, of_any_path_answers_or_names_a_fault, (const std::string& any)) {
  for (const std::string op : {"add", "remove", "replace", "test"}) {
    const auto got = json_patch(
        R"({"a":[{"b":1}]})",
        R"([{"op":")" + op + R"(","value":1,"path":)" + json::quoted(any) + "}]", enough);
    RC_ASSERT((got ? parse(*got).has_value() : !got.error().faults.empty()));
  }
}

}  // namespace
}  // namespace lobo::json
