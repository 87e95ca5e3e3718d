#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "wire/json/formats.hpp"
#include "wire/json/json.hpp"
#include "wire/json/type.hpp"
#include "wire/json/types.hpp"

#pragma GCC diagnostic ignored "-Winvalid-offsetof"

namespace lobo::json {
namespace {

// A hand-written table of each kind of member and rule: what the generator makes for an API
// document.
enum class Colour : std::uint8_t { red, green };

struct Leaf {
  std::string id;
  bool operator==(const Leaf&) const = default;
};

struct Sample {
  std::string name;
  std::int64_t count{};
  std::optional<std::uint64_t> big;
  std::optional<double> share;
  std::optional<bool> on;
  std::optional<Instant> at;
  std::optional<Bytes> blob;
  std::optional<Raw> raw;
  std::optional<std::vector<std::int64_t>> numbers;
  std::optional<std::map<std::string, Leaf, std::less<>>> leaves;
  Patch<std::string> patch;
  std::optional<std::string> one;
  std::optional<std::string> two;
  std::optional<std::string> uri;
  Box<Sample> inner;
  bool operator==(const Sample&) const = default;
};

}  // namespace
}  // namespace lobo::json

template <>
struct lobo::json::EnumNames<lobo::json::Colour> {
  static constexpr std::array<std::string_view, 2> names{"RED", "GREEN"};
};

namespace lobo::json {
namespace {

struct Painted {
  std::optional<Colour> colour;
  std::optional<OpenEnum<Colour>> open;
  bool operator==(const Painted&) const = default;
};

const ObjectType& json_object(const Leaf*) {
  static constexpr Field fields[]{
      {"id", offsetof(Leaf, id), &type_of<std::string>, &no_rules, true}};
  static constexpr ObjectType object{.name = "Leaf", .fields = fields};
  return object;
}

const ObjectType& json_object(const Painted*) {
  static constexpr Field fields[]{
      {"colour", offsetof(Painted, colour), &type_of<std::optional<Colour>>, &no_rules, false},
      {"open", offsetof(Painted, open), &type_of<std::optional<OpenEnum<Colour>>>, &no_rules,
       false}};
  static constexpr ObjectType object{
      .name = "Painted", .fields = fields, .members_min = 1, .members_max = 2, .closed = true};
  return object;
}

constexpr Rules name_rules{.length_min = 1, .length_max = 3};
constexpr Rules count_rules{.integer_min = -2, .integer_max = 10};
constexpr Rules share_rules{.number_min = 0.0, .number_max = 1.0, .number_max_excluded = true};
constexpr Rules number_rules{.integer_min = 0};
constexpr Rules numbers_rules{
    .items_min = 1, .items_max = 3, .items_unique = true, .items = &number_rules};
constexpr Matcher uri_matchers[]{{"an absolute URI", &format::uri}};
constexpr Rules uri_rules{.matchers = uri_matchers};
constexpr Presence one_and_two[]{{.op = Presence::Op::has, .field = 11},
                                 {.op = Presence::Op::has, .field = 12}};
constexpr Presence both[]{{.op = Presence::Op::all_of, .parts = one_and_two}};
constexpr Presence not_both[]{{.op = Presence::Op::none_of, .parts = both}};

const ObjectType& json_object(const Sample*) {
  static constexpr Field fields[]{
      {"name", offsetof(Sample, name), &type_of<std::string>, &name_rules, true},
      {"count", offsetof(Sample, count), &type_of<std::int64_t>, &count_rules, true},
      {"big", offsetof(Sample, big), &type_of<std::optional<std::uint64_t>>, &no_rules, false},
      {"share", offsetof(Sample, share), &type_of<std::optional<double>>, &share_rules, false},
      {"on", offsetof(Sample, on), &type_of<std::optional<bool>>, &no_rules, false},
      {"at", offsetof(Sample, at), &type_of<std::optional<Instant>>, &no_rules, false},
      {"blob", offsetof(Sample, blob), &type_of<std::optional<Bytes>>, &no_rules, false},
      {"raw", offsetof(Sample, raw), &type_of<std::optional<Raw>>, &no_rules, false},
      {"numbers", offsetof(Sample, numbers), &type_of<std::optional<std::vector<std::int64_t>>>,
       &numbers_rules, false},
      {"leaves", offsetof(Sample, leaves),
       &type_of<std::optional<std::map<std::string, Leaf, std::less<>>>>, &no_rules, false},
      {"patch", offsetof(Sample, patch), &type_of<Patch<std::string>>, &no_rules, false},
      {"one", offsetof(Sample, one), &type_of<std::optional<std::string>>, &no_rules, false},
      {"two", offsetof(Sample, two), &type_of<std::optional<std::string>>, &no_rules, false},
      {"uri", offsetof(Sample, uri), &type_of<std::optional<std::string>>, &uri_rules, false},
      {"inner", offsetof(Sample, inner), &type_of<Box<Sample>>, &no_rules, false},
  };
  static constexpr ObjectType object{.name = "Sample", .fields = fields, .presence = not_both};
  return object;
}

using Seen = std::vector<std::pair<Errc, std::string>>;

template <class T = Sample>
Seen faults_of(std::string_view text) {
  const auto read_back = read<T>(text);
  Seen seen;
  if (read_back) return seen;
  for (const auto& fault : read_back.error().faults) {
    EXPECT_FALSE(fault.reason.empty());
    seen.emplace_back(fault.code, fault.where);
  }
  return seen;
}

Errc only_code(std::string_view text) {
  const auto seen = faults_of(text);
  EXPECT_EQ(seen.size(), 1U) << text;
  return seen.empty() ? Errc::internal : seen.front().first;
}

std::string with(std::string_view members) {
  return R"({"name":"n","count":1,)" + std::string(members) + "}";
}

TEST(json_read, each_kind_of_member_is_read_and_written_in_the_schemas_order) {
  const std::string text =
      R"({"name":"n","count":-2,"big":18446744073709551615,"share":0.25,"on":true,)"
      R"("at":"2026-11-22T00:26:09Z","blob":"AAEC","raw":{ "x" : [1, "]\"}"] },"numbers":[3,1],)"
      R"("leaves":{"a/b":{"id":""}},"patch":null,"one":"é","inner":{"name":"m","count":10}})";
  const auto sample = read<Sample>(text);
  ASSERT_TRUE(sample) << sample.error().faults.at(0).where;
  EXPECT_EQ(sample->count, -2);
  EXPECT_EQ(sample->big, 18446744073709551615U);
  EXPECT_EQ(sample->blob->octets, std::string("\0\1\2", 3));
  EXPECT_EQ(sample->raw->text, R"({ "x" : [1, "]\"}"] })");
  EXPECT_TRUE(sample->patch.is_null());
  EXPECT_EQ(sample->inner->count, 10);
  EXPECT_EQ(write(*sample), text);
  EXPECT_EQ(read<Sample>(write(*sample)), *sample);
}

TEST(json_read, members_may_come_in_any_order_with_any_space_and_escapes) {
  const auto sample =
      read<Sample>(" \t\r\n{ \"count\" : 1 , \"n\\u0061me\" : \"\\ud83d\\ude00\" } ");
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->name, "\xF0\x9F\x98\x80");
}

TEST(json_read, every_fault_of_a_body_is_told_at_once_with_its_pointer) {
  const Seen expected{{Errc::out_of_range, "/name"},
                      {Errc::wrong_type, "/big"},
                      {Errc::out_of_range, "/share"},
                      {Errc::wrong_type, "/numbers/1"},
                      {Errc::out_of_range, "/numbers/2"},
                      {Errc::missing, "/leaves/a~1b~0/id"},
                      {Errc::pattern, "/at"},
                      {Errc::pattern, "/blob"},
                      {Errc::pattern, "/uri"},
                      {Errc::out_of_range, "/inner/count"},
                      {Errc::missing, "/inner/name"},
                      {Errc::missing, "/count"},
                      {Errc::not_allowed, ""}};
  EXPECT_EQ(
      faults_of(R"({"name":"","big":"1","share":1.0,"numbers":[1,"2",-3],"leaves":{"a/b~":{}},)"
                R"("at":"today","blob":"A","uri":"/x","inner":{"count":11},"one":"","two":""})"),
      expected);
}

TEST(json_read, the_error_has_the_code_of_its_first_fault) {
  const auto sample = read<Sample>(R"({"name":"n"})");
  ASSERT_FALSE(sample);
  EXPECT_EQ(sample.error().code, Errc::missing);
}

TEST(json_read, unknown_members_are_ignored_and_an_object_may_forbid_them) {
  EXPECT_TRUE(read<Sample>(with(R"("x":{"y":[1e999,-0.0,null,{"z":"\u0000"}]})")));
  EXPECT_EQ(faults_of<Painted>(R"({"colour":"RED","x":1})"), (Seen{{Errc::not_allowed, "/x"}}));
}

TEST(json_read, duplicate_keys_are_refused_wherever_they_stand) {
  EXPECT_EQ(faults_of(R"({"name":"n","count":1,"name":"n"})"), (Seen{{Errc::duplicate, "/name"}}));
  EXPECT_EQ(faults_of(with(R"("x":1,"y":2,"\u0078":3)")), (Seen{{Errc::duplicate, "/x"}}));
  EXPECT_EQ(faults_of(with(R"("x":[{"y":1,"y":1}])")), (Seen{{Errc::duplicate, "/x/0/y"}}));
  EXPECT_EQ(faults_of(with(R"("raw":{"y":1,"y":1})")), (Seen{{Errc::duplicate, "/raw/y"}}));
  EXPECT_EQ(faults_of(with(R"("leaves":{"l":{"id":""},"l":{"id":""}})")),
            (Seen{{Errc::duplicate, "/leaves/l"}}));
  EXPECT_EQ(faults_of(with(R"("on":{"y":1,"y":1})")),
            (Seen{{Errc::wrong_type, "/on"}, {Errc::duplicate, "/on/y"}}));
}

TEST(json_read, null_is_only_for_members_that_may_be_null) {
  EXPECT_EQ(only_code(with(R"("on":null)")), Errc::wrong_type);
  EXPECT_EQ(only_code(with(R"("numbers":null)")), Errc::wrong_type);
  EXPECT_TRUE(read<Sample>(with(R"("patch":null)"))->patch.is_null());
  EXPECT_TRUE(read<Sample>(with(R"("patch":"")"))->patch.has_value());
  EXPECT_TRUE(read<Sample>(with(R"("x":null)"))->patch.is_absent());
}

TEST(json_read, integers_are_exact) {
  EXPECT_EQ(read<std::int64_t>("9223372036854775807"), 9223372036854775807);
  EXPECT_EQ(read<std::int64_t>("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(read<std::int64_t>("-0"), 0);
  EXPECT_EQ(faults_of<std::int64_t>("9223372036854775808"), (Seen{{Errc::out_of_range, ""}}));
  EXPECT_EQ(faults_of<std::uint64_t>("18446744073709551616"), (Seen{{Errc::out_of_range, ""}}));
  EXPECT_EQ(faults_of<std::uint64_t>("-1"), (Seen{{Errc::out_of_range, ""}}));
  EXPECT_EQ(faults_of<std::int64_t>("1.0"), (Seen{{Errc::wrong_type, ""}}));
  EXPECT_EQ(faults_of<std::int64_t>("1e2"), (Seen{{Errc::wrong_type, ""}}));
  EXPECT_EQ(faults_of<std::int64_t>(std::string(100000, '9')), (Seen{{Errc::out_of_range, ""}}));
  EXPECT_EQ(faults_of<double>("1e999"), (Seen{{Errc::out_of_range, ""}}));
  EXPECT_EQ(read<double>("9007199254740993"), 9007199254740992.0);
}

TEST(json_read, ranges_include_their_ends_unless_they_say_otherwise) {
  EXPECT_TRUE(read<Sample>(R"({"name":"n","count":-2})"));
  EXPECT_TRUE(read<Sample>(R"({"name":"n","count":10})"));
  EXPECT_EQ(only_code(R"({"name":"n","count":-3})"), Errc::out_of_range);
  EXPECT_EQ(only_code(R"({"name":"n","count":11})"), Errc::out_of_range);
  EXPECT_TRUE(read<Sample>(with(R"("share":0)")));
  EXPECT_EQ(only_code(with(R"("share":1)")), Errc::out_of_range);
}

TEST(json_read, lengths_count_characters_and_not_octets) {
  EXPECT_TRUE(read<Sample>("{\"name\":\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\",\"count\":1}"));
  EXPECT_EQ(only_code(R"({"name":"four","count":1})"), Errc::out_of_range);
}

TEST(json_read, items_are_counted_and_may_have_to_differ) {
  EXPECT_EQ(only_code(with(R"("numbers":[])")), Errc::out_of_range);
  EXPECT_EQ(only_code(with(R"("numbers":[1,2,3,4])")), Errc::out_of_range);
  EXPECT_EQ(faults_of(with(R"("numbers":[1,2,1])")), (Seen{{Errc::duplicate, "/numbers/2"}}));
}

TEST(json_read, members_are_counted) {
  EXPECT_EQ(faults_of<Painted>("{}"), (Seen{{Errc::out_of_range, ""}}));
}

TEST(json_read, closed_enumerations_refuse_and_open_ones_keep_the_unknown) {
  EXPECT_EQ(read<Painted>(R"({"colour":"GREEN"})")->colour, Colour::green);
  EXPECT_EQ(faults_of<Painted>(R"({"colour":"BLUE"})"), (Seen{{Errc::not_allowed, "/colour"}}));
  EXPECT_EQ(faults_of<Painted>(R"({"colour":""})"), (Seen{{Errc::not_allowed, "/colour"}}));
  const auto open = read<Painted>(R"({"open":"BLUE"})");
  ASSERT_TRUE(open);
  EXPECT_EQ(open->open->known(), std::nullopt);
  EXPECT_EQ(write(*open), R"({"open":"BLUE"})");
  EXPECT_EQ(read<Painted>(R"({"open":"RED"})")->open->known(), Colour::red);
}

TEST(json_read, a_condition_over_members_names_them) {
  const auto sample = read<Sample>(with(R"("one":"","two":"")"));
  ASSERT_FALSE(sample);
  EXPECT_EQ(sample.error().faults.at(0).reason, "must not have one and two together");
  EXPECT_TRUE(read<Sample>(with(R"("two":"")")));
}

TEST(json_read, what_is_not_json_is_malformed_as_a_whole) {
  for (const auto* text : {"",
                           " ",
                           "{",
                           "}",
                           "{}x",
                           "{} {}",
                           "{}]",
                           "],[",
                           "1,2",
                           "nul",
                           "tru",
                           "truee",
                           "+1",
                           "01",
                           "1.",
                           ".5",
                           "-",
                           "1e",
                           "0x1",
                           "NaN",
                           "Infinity",
                           "'a'",
                           "\"a",
                           "{\"a\":1,}",
                           "{,}",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "{\"a\" 1}",
                           "{\"a\":}",
                           "{\"a\":1:2}",
                           "{\"a\":\"b\":1}",
                           "{\"a\":[1}",
                           "{\"a\":{\"b\":1]}",
                           "{a:1}",
                           "{1:2}",
                           "{\"a\":1 \"b\":2}",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\ud800\"",
                           "\"\\udc00x\"",
                           "\"\n\"",
                           "\"\x01\"",
                           "\"\xff\"",
                           "\"\xc0\x80\"",
                           "\"\xed\xa0\x80\"",
                           "\xEF\xBB\xBF{}",
                           "{}//",
                           "/**/{}",
                           "[[]",
                           "{\"a\":[}",
                           "{\"a\":tru e}",
                           "{\"a\":1]"}) {
    EXPECT_EQ(faults_of(text), (Seen{{Errc::malformed, ""}})) << text;
    EXPECT_EQ(faults_of<Raw>(text), (Seen{{Errc::malformed, ""}})) << text;
  }
  EXPECT_EQ(faults_of(std::string_view("{}\0", 3)), (Seen{{Errc::malformed, ""}}));
}

TEST(json_read, bad_syntax_anywhere_hides_the_faults_before_it) {
  EXPECT_EQ(faults_of(R"({"name":1,"x":[1,2,}})"), (Seen{{Errc::malformed, ""}}));
}

TEST(json_read, nesting_is_refused_beyond_its_bound_and_taken_up_to_it) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(read<Raw>(nested(depth_max)));
  EXPECT_FALSE(read<Raw>(nested(depth_max + 1)));
  EXPECT_TRUE(read<Sample>(with("\"x\":" + nested(depth_max - 1))));
  const auto deep = faults_of(with("\"x\":" + nested(depth_max)));
  ASSERT_EQ(deep.size(), 1U);
  EXPECT_EQ(deep[0].first, Errc::malformed);
  EXPECT_TRUE(deep[0].second.starts_with("/x/0/0"));
  EXPECT_FALSE(read<Raw>(nested(100000)));
  EXPECT_FALSE(read<Raw>(std::string(100000, '[')));
}

TEST(json_read, no_more_faults_are_told_than_the_bound) {
  std::string text = R"({"name":"n","count":1,"leaves":{)";
  for (int i = 0; i < 100; ++i) text += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":{}";
  EXPECT_EQ(faults_of(text + "}}").size(), faults_max);
}

TEST(json_read, a_large_text_leaves_no_large_buffer_in_the_way_of_the_next) {
  const std::string large = "\"" + std::string(std::size_t{3} << 20U, 'x') + "\"";
  EXPECT_EQ(read<std::string>(large)->size(), large.size() - 2);
  EXPECT_TRUE(read<Sample>(with(R"("on":false)")));
  EXPECT_EQ(read<std::string>(std::string(text_bytes_max + 1, ' ')).error().code, Errc::too_large);
}

TEST(json_write, control_characters_quotes_and_broken_utf_8_are_escaped_or_replaced) {
  EXPECT_EQ(quoted("a\"\\\n\x01\x7f/"), "\"a\\\"\\\\\\n\\u0001\x7f/\"");
  EXPECT_EQ(quoted("a\xffz\xE2\x82"), "\"a\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\"");
  EXPECT_EQ(quoted("\xE2\x82\xAC"), "\"\xE2\x82\xAC\"");
}

RC_GTEST_PROP(json_read, strings_survive_writing_and_reading, (const std::string& octets)) {
  const auto once = read<std::string>(json::quoted(octets));
  RC_ASSERT(once.has_value());
  RC_ASSERT(read<std::string>(json::quoted(*once)) == *once);
}

RC_GTEST_PROP(json_read, numbers_survive_writing_and_reading,
              (std::int64_t whole, std::uint64_t bits, double real)) {
  RC_ASSERT(read<std::int64_t>(write(whole)) == whole);
  RC_ASSERT(read<std::uint64_t>(write(bits)) == bits);
  RC_ASSERT(read<double>(write(real)) == real);
}

RC_GTEST_PROP(json_read, each_strict_prefix_of_an_object_is_malformed, ()) {
  const std::string text =
      with(R"("leaves":{"a":{"id":"é\n"}},"numbers":[1,2],"raw":[true,null,{"b":-1.5e3}])");
  const auto length = *rc::gen::inRange<std::size_t>(0, text.size());
  RC_ASSERT(faults_of(text.substr(0, length)) == (Seen{{Errc::malformed, ""}}));
}

// Whatever one octet becomes, reading ends, and what is accepted is accepted again once written.
RC_GTEST_PROP(json_read, a_damaged_octet_is_refused_or_harmless, ()) {
  std::string text =
      with(R"("leaves":{"a":{"id":"x"}},"numbers":[1,2],"raw":[true,null,{"b":-1.5e3}])");
  text[*rc::gen::inRange<std::size_t>(0, text.size())] =
      static_cast<char>(*rc::gen::arbitrary<std::uint8_t>());
  const auto sample = read<Sample>(text);
  if (sample) RC_ASSERT(read<Sample>(write(*sample)) == *sample);
}

}  // namespace
}  // namespace lobo::json
