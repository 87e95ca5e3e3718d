// What holds for every schema and every operation of every document.

#include "api/documents.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <set>
#include <string>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "sample_text.hpp"
#include "wire/json/json.hpp"
#include "wire/json/type.hpp"
#include "wire/resource/route.hpp"

namespace lobo::json {
namespace {

constexpr std::size_t samples_per_schema = 200;

std::string told(const Error& error) {
  std::string text = error.detail;
  for (const auto& fault : error.faults) text += "\n  " + fault.where + " " + fault.reason;
  return text;
}

template <class Visit>
void for_each_schema(const Visit& visit) {
  for (const auto& document : api::documents())
    for (const auto& schema : document.schemas()) {
      SCOPED_TRACE(std::string(document.name) + " " + std::string(schema.name));
      visit(schema);
    }
}

TEST(api_documents, each_schema_takes_what_its_rules_allow_and_reads_back_what_it_writes) {
  std::size_t schemas = 0;
  for_each_schema([&](const NamedSchema& schema) {
    SeededRng rng{schemas++};
    for (std::size_t i = 0; i < samples_per_schema; ++i) {
      const auto text = sample_text(*schema.type, *schema.rules, rng);
      const auto once = schema.round_trip(text);
      ASSERT_TRUE(once) << text << told(once.error());
      const auto twice = schema.round_trip(*once);
      ASSERT_TRUE(twice) << *once << told(twice.error());
      ASSERT_EQ(*once, *twice);
    }
  });
  EXPECT_TRUE(matchers_without_sample().empty()) << matchers_without_sample().front();
  EXPECT_GT(schemas, 40U);
}

TEST(api_documents, a_missing_or_wrong_member_is_named_by_its_pointer_and_nothing_else_is) {
  std::size_t texts = 0;
  SeededRng rng{7};
  for_each_schema([&](const NamedSchema& schema) {
    if (schema.type->kind != Kind::object) return;
    for (const auto& broken : broken_texts(schema.type->object(), rng)) {
      ++texts;
      const auto done = schema.round_trip(broken.text);
      ASSERT_FALSE(done) << broken.text;
      ASSERT_EQ(done.error().faults.size(), 1U) << broken.text << told(done.error());
      EXPECT_EQ(done.error().faults[0].code, broken.code) << broken.text;
      EXPECT_EQ(done.error().faults[0].where, broken.where) << broken.text;
    }
  });
  EXPECT_GT(texts, 100U);
}

TEST(api_documents, each_strict_prefix_of_an_object_is_malformed) {
  for_each_schema([&](const NamedSchema& schema) {
    SeededRng rng{3};
    if (schema.type->kind != Kind::object) return;
    const auto text = sample_text(*schema.type, *schema.rules, rng);
    for (std::size_t length = 0; length < text.size(); ++length) {
      const auto done = schema.round_trip(std::string_view(text).substr(0, length));
      ASSERT_FALSE(done);
      ASSERT_EQ(done.error().code, Errc::malformed) << text.substr(0, length);
    }
  });
}

TEST(api_documents, operations_have_names_of_their_own_and_only_tokens_have_scopes) {
  std::set<std::string_view> names;
  for (const auto& document : api::documents())
    for (const auto& operation : document.operations()) {
      EXPECT_TRUE(names.insert(operation.id).second) << operation.id;
      EXPECT_EQ(operation.scope.empty(), operation.protection != resource::Protection::token)
          << operation.id;
      EXPECT_TRUE(operation.path.starts_with('/')) << operation.id;
      EXPECT_GT(operation.body_bytes_max, 0U) << operation.id;
    }
  EXPECT_GE(names.size(), 5U);
}

}  // namespace
}  // namespace lobo::json
