// Every operation of the SEALDD server, against what api/sdd_*.yaml declare of it: each answer has
// a declared status and a body of its schema, whatever is asked, and nobody is served without
// credentials.

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "contract/declared.hpp"
#include "sealdd/world.hpp"
#include "wire/http/message.hpp"

namespace lobo::app::testing {
namespace {

using contract::declared_sealdd;

constexpr std::size_t beyond_any_limit = std::size_t{34} << 20U;

struct Ask {
  http::Headers headers;
  std::optional<std::string> body;
  std::optional<std::string> who;
};

class Provoker {
 public:
  explicit Provoker(const SealddOperation& operation) : operation_(operation) {
    world.on_answer = [](const http::Request& request, const http::Response& response) {
      // Octets have no schema.
      if (response.headers.find("content-type") == "application/octet-stream") return;
      const auto wrong = contract::wrong_with(request, response);
      EXPECT_TRUE(wrong.empty()) << wrong;
    };
    at = operation.path(world);
  }
  int ask(const Ask& with = {}) {
    auto headers = with.headers;
    if (!operation_.content_type.empty() && !headers.find("content-type"))
      headers.add("content-type", operation_.content_type);
    return world
        .ask(world.request(operation_.method, at, with.body.value_or(operation_.body),
                           std::move(headers), with.who.value_or(operation_.who)))
        .status;
  }

  SealddWorld world;
  std::string at;

 private:
  const SealddOperation& operation_;
};

TEST(sealdd_operations, each_answers_as_declared_when_it_is_asked_well) {
  std::set<std::string_view> seen;
  for (const auto& operation : sealdd_operations()) {
    SCOPED_TRACE(std::string(operation.id));
    seen.insert(operation.id);
    Provoker p(operation);
    EXPECT_EQ(p.ask(), operation.status);
  }
  for (const auto& [id, operation] : declared_sealdd()) EXPECT_TRUE(seen.contains(id)) << id;
}

TEST(sealdd_operations, the_server_serves_what_the_documents_declare_and_nothing_else) {
  SealddWorld world;
  std::set<std::string> served, written;
  for (const auto& operation : world.server().plane.router().operations())
    served.emplace(operation.id);
  for (const auto& [id, operation] : declared_sealdd()) written.insert(id);
  EXPECT_EQ(served, written);
}

TEST(sealdd_operations, nobody_is_served_without_credentials_or_with_anothers_scope) {
  for (const auto& operation : sealdd_operations()) {
    SCOPED_TRACE(std::string(operation.id));
    Provoker p(operation);
    EXPECT_EQ(p.ask({.who = ""}), 401);
    EXPECT_EQ(p.ask({.headers = {{"x-lobo-scopes", "other"}}}), 403);
    if (!operation.of_one) continue;
    EXPECT_EQ(p.ask({.who = "stranger"}), 404);
  }
}

TEST(sealdd_operations, a_body_that_is_none_is_refused) {
  for (const auto& operation : sealdd_operations()) {
    if (operation.body.empty() || operation.id == "PutStoredOctets") continue;
    SCOPED_TRACE(std::string(operation.id));
    EXPECT_EQ(Provoker(operation).ask({.body = "{"}), 400);
    EXPECT_EQ(Provoker(operation).ask({.body = std::string(beyond_any_limit, ' ')}), 413);
    EXPECT_EQ(Provoker(operation).ask({.headers = {{"content-type", "text/plain"}}}), 415);
  }
}

TEST(sealdd_operations, a_store_that_is_gone_or_holds_nonsense_is_told_as_such) {
  for (const auto& operation : sealdd_operations()) {
    SCOPED_TRACE(std::string(operation.id));
    Provoker p(operation);
    p.world.spoil();
    p.ask();  // Declared, whatever it is.
    p.world.crash_and_restart();
    p.world.server().store.set_gone(true);
    p.ask();
  }
}

TEST(sealdd_operations, no_undeclared_status_comes_whatever_is_asked) {
  const std::array<http::Headers, 5> envelopes{
      http::Headers{{"accept", "text/html"}}, http::Headers{{"content-type", "text/plain"}},
      http::Headers{{"if-match", "nonsense"}},
      http::Headers{{"idempotency-key", std::string(500, 'x')}},
      http::Headers{{"accept", ";;,"}, {"content-type", ";"}, {"if-match", ""}}};
  const std::array<std::string, 6> bodies{"",     "{}",       "[]",
                                          "null", "\xff\xfe", R"({"seq":1,"epoch":99})"};
  for (const auto& operation : sealdd_operations()) {
    SCOPED_TRACE(std::string(operation.id));
    Provoker p(operation);
    for (const auto& envelope : envelopes)
      for (const auto& body : bodies) p.ask({.headers = envelope, .body = body});
    for (const auto& body : bodies) p.ask({.headers = {}, .body = body});
  }
}

}  // namespace
}  // namespace lobo::app::testing
