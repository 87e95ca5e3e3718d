#include "adapters/crypto/jwt_authenticator.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/crypto/crypto_test_support.hpp"
#include "adapters/crypto/jws.hpp"
#include "adapters/crypto/key_feed.hpp"
#include "adapters/crypto/pki.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "runtime/ports.hpp"
#include "support/temp_dir.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::adapters::crypto {
namespace {

using namespace std::chrono_literals;
using resource::Principal;

const Instant now = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22};
constexpr std::string_view issuer = "https://issuer.example";
constexpr std::string_view audience = "lobo";

http::Request with_token(std::string_view token) {
  return {.method = "GET",
          .scheme = "https",
          .authority = "lobo",
          .target = "/",
          .headers = {{"authorization", "Bearer " + std::string(token)}},
          .body = {},
          .peer = {}};
}

Result<Principal> ask(runtime::Authenticator& authenticator, const http::Request& request,
                      Instant at = now) {
  std::optional<Result<Principal>> answer;
  authenticator.authenticate(request, at, [&](Result<Principal> who) { answer = std::move(who); });
  EXPECT_TRUE(answer) << "no answer inside the call";
  return answer.value_or(fail(Errc::timeout, ""));
}

void expect_refused(const Result<Principal>& answer) {
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unauthenticated);
  EXPECT_GT(answer.error().detail.size(), 20U) << "a sentence is wanted";
}

class JwtTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(make_pki({folder.path().string(), {}, {}}, now)); }

  JwtOptions options() const {
    JwtOptions made;
    made.jwks = folder.file("jwks.json");
    made.rules.issuer = issuer;
    made.rules.audience = audience;
    return made;
  }
  std::unique_ptr<JwtAuthenticator> authenticator() { return authenticator(options()); }
  std::unique_ptr<JwtAuthenticator> authenticator(const JwtOptions& made) {
    auto created = JwtAuthenticator::create(made, &client);
    EXPECT_TRUE(created) << created.error().detail;
    return std::move(*created);
  }
  std::string token(std::string subject = "vas1", std::chrono::seconds life = 1h) const {
    return issue_token(folder.file("token.key"), {std::string(issuer),
                                                  std::string(audience),
                                                  std::move(subject),
                                                  {"nrm:read", "nrm:write"},
                                                  now,
                                                  life})
        .value();
  }
  std::string token_of(std::string_view claims) const {
    return sign(content_of(folder.file("token.key")), claims).value();
  }

  testing::TempDir folder;
  HandClient client;
};

TEST_F(JwtTest, a_good_token_names_its_subject_and_scopes) {
  const auto who = ask(*authenticator(), with_token(token()));
  ASSERT_TRUE(who) << who.error().detail;
  EXPECT_EQ(*who, (Principal{"vas1", {"nrm:read", "nrm:write"}}));
}

TEST_F(JwtTest, a_token_ends_with_its_time_also_when_it_is_known) {
  const auto authenticator = this->authenticator();
  const auto request = with_token(token("vas1", 60s));
  EXPECT_TRUE(ask(*authenticator, request));
  EXPECT_TRUE(ask(*authenticator, request, now + 89s));
  expect_refused(ask(*authenticator, request, now + 90s));  // with 30 s of leeway
}

TEST_F(JwtTest, what_is_no_bearer_token_is_refused_with_a_sentence) {
  const auto authenticator = this->authenticator();
  http::Request none = with_token("");
  none.headers.erase("authorization");
  expect_refused(ask(*authenticator, none));
  for (const char* field : {"", "Bearer", "Basic dTpw", "bearer ", "Token abc"}) {
    none.headers.set("authorization", field);
    expect_refused(ask(*authenticator, none));
  }
  auto twice = with_token(token());
  twice.headers.add("authorization", "Bearer " + token());
  expect_refused(ask(*authenticator, twice));
}

TEST_F(JwtTest, the_scheme_may_be_written_in_any_case) {
  auto request = with_token("");
  request.headers.set("authorization", "bEARER   " + token());
  EXPECT_TRUE(ask(*authenticator(), request));
}

TEST_F(JwtTest, malformed_tokens_of_every_kind_are_refused) {
  const auto authenticator = this->authenticator();
  const std::string good = token();
  for (const std::string& bad :
       {std::string("a"), std::string("a.b"), std::string("a.b.c"), std::string("a.b.c.d"),
        std::string(".."), std::string("e30.e30."), std::string("e30.e30.e30"),
        std::string("bnVsbA.bnVsbA.bnVsbA"), std::string("W10.W10.W10"), good + ".", good + "=",
        good + "\n", "." + good, std::string("\xFF\xFE.\x80.\x00", 6), std::string(8193, 'a'),
        std::string(1'000'000, '.'), good.substr(0, good.size() - 1)})
    expect_refused(ask(*authenticator, with_token(bad)));
}

TEST_F(JwtTest, any_changed_byte_of_a_token_is_refused) {
  const auto authenticator = this->authenticator();
  const std::string good = token();
  SeededRng rng(7);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(rng.below(256));
    // The last character of a part may carry spare bits that mean nothing.
    if (bad[i] == good[i] || i + 1 == good.size() || good[i + 1] == '.') continue;
    const auto who = ask(*authenticator, with_token(bad));
    ASSERT_FALSE(who) << i;
    EXPECT_EQ(who.error().code, Errc::unauthenticated);
  }
}

TEST_F(JwtTest, claims_that_are_not_as_asked_for_are_refused) {
  const auto authenticator = this->authenticator();
  const auto exp = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count() + 60;
  const auto claims = [&](std::string_view rest) {
    return fmt::format(R"({{"iss":"{}","aud":"{}","sub":"vas1","exp":{}{}}})", issuer, audience,
                       exp, rest);
  };
  ASSERT_TRUE(ask(*authenticator, with_token(token_of(claims("")))));
  for (const std::string& bad : {
           std::string("{}"),
           std::string("[]"),
           std::string("null"),
           std::string("not JSON"),
           std::string("\"text\""),
           std::string(""),
           fmt::format(R"({{"iss":"{}","aud":"{}","sub":"vas1"}})", issuer, audience),
           fmt::format(R"({{"iss":"{}","aud":"{}","sub":"vas1","exp":"{}"}})", issuer, audience,
                       exp),
           fmt::format(R"({{"iss":"{}","aud":"{}","sub":"vas1","exp":-1}})", issuer, audience),
           fmt::format(R"({{"iss":"{}","aud":"{}","exp":{}}})", issuer, audience, exp),
           fmt::format(R"({{"iss":"{}","aud":"{}","sub":"","exp":{}}})", issuer, audience, exp),
           fmt::format(R"({{"iss":"{}","aud":"{}","sub":7,"exp":{}}})", issuer, audience, exp),
           fmt::format(R"({{"iss":"{}","aud":"{}","sub":"a\nb","exp":{}}})", issuer, audience, exp),
           fmt::format(R"({{"iss":"other","aud":"{}","sub":"vas1","exp":{}}})", audience, exp),
           fmt::format(R"({{"aud":"{}","sub":"vas1","exp":{}}})", audience, exp),
           fmt::format(R"({{"iss":"{}","aud":"other","sub":"vas1","exp":{}}})", issuer, exp),
           fmt::format(R"({{"iss":"{}","aud":["a","b"],"sub":"vas1","exp":{}}})", issuer, exp),
           fmt::format(R"({{"iss":"{}","aud":{{}},"sub":"vas1","exp":{}}})", issuer, exp),
           fmt::format(R"({{"iss":"{}","sub":"vas1","exp":{}}})", issuer, exp),
           claims(fmt::format(R"(,"nbf":{})", exp)),
           claims(R"(,"nbf":"soon")"),
           claims(R"(,"scope":7)"),
           claims(R"(,"scope":["a",7])"),
           claims(R"(,"sub":"twice")"),
           claims(R"(,"cnf":{"x5t#S256":"abc"})"),
           claims(fmt::format(R"(,"scope":"{}")", std::string(300, 'x'))),
       })
    if (!bad.empty()) expect_refused(ask(*authenticator, with_token(token_of(bad))));
}

TEST_F(JwtTest, audience_and_scope_may_be_lists_and_a_huge_expiry_is_no_trick) {
  const auto authenticator = this->authenticator();
  const auto who = ask(
      *authenticator,
      with_token(token_of(fmt::format(
          R"({{"iss":"{}","aud":["x","{}"],"sub":"vas1","exp":1e300,"nbf":0.5,"scope":["a","b"]}})",
          issuer, audience))));
  ASSERT_TRUE(who) << who.error().detail;
  EXPECT_EQ(who->scopes, (std::vector<std::string>{"a", "b"}));
}

TEST_F(JwtTest, the_signature_of_another_key_is_refused) {
  testing::TempDir other;
  ASSERT_TRUE(make_pki({other.path().string(), {}, {}}, now));
  // With the same key id, so that only the signature tells.
  const auto ours = public_key_set(content_of(folder.file("token.key"))).value();
  const auto id_at = ours.find("\"kid\":\"") + 7;
  const std::string id = ours.substr(id_at, ours.find('"', id_at) - id_at);
  std::string theirs = content_of(other.file("token.key"));
  const auto at = theirs.find("\"kid\":\"") != std::string::npos ? theirs.find("\"kid\":\"") + 7
                                                                 : theirs.find("\"kid\": \"") + 8;
  theirs.replace(at, theirs.find('"', at) - at, id);
  const auto token = sign(
      theirs,
      fmt::format(R"({{"iss":"{}","aud":"{}","sub":"vas1","exp":9999999999}})", issuer, audience));
  ASSERT_TRUE(token);
  const auto who = ask(*authenticator(), with_token(*token));
  expect_refused(who);
  EXPECT_NE(who.error().detail.find("signature"), std::string::npos);
}

TEST_F(JwtTest, a_token_that_demands_an_extension_is_refused) {
  // {"alg":"ES256","crit":["exp"]} and {"alg":"none"}
  for (const char* head : {"eyJhbGciOiJFUzI1NiIsImNyaXQiOlsiZXhwIl19", "eyJhbGciOiJub25lIn0"})
    expect_refused(ask(*authenticator(), with_token(std::string(head) + ".e30.c2ln")));
}

TEST_F(JwtTest, only_algorithms_that_can_be_trusted_can_be_configured) {
  for (const char* name : {"none", "HS256", "HS512", "EdDSA", "es256", ""}) {
    auto made = options();
    made.algorithms = {name};
    EXPECT_FALSE(JwtAuthenticator::create(made, &client)) << name;
  }
}

TEST_F(JwtTest, a_client_certificate_will_do_only_where_configured_and_a_bad_token_spoils_it) {
  http::Request request = with_token("");
  request.headers.erase("authorization");
  request.peer.certificate_subject = "vas7";
  expect_refused(ask(*authenticator(), request));

  auto made = options();
  made.client_certificates = true;
  made.certificate_scopes = {"nrm:read"};
  const auto trusting = authenticator(made);
  EXPECT_EQ(ask(*trusting, request).value(), (Principal{"vas7", {"nrm:read"}}));
  request.headers.set("authorization", "Bearer rubbish");
  expect_refused(ask(*trusting, request));
  request.headers.set("authorization", "Bearer " + token());
  EXPECT_EQ(ask(*trusting, request)->subject, "vas1");
}

TEST_F(JwtTest, new_keys_in_the_file_end_the_tokens_of_the_old_ones) {
  const auto authenticator = this->authenticator();
  const std::string old = token();
  EXPECT_TRUE(ask(*authenticator, with_token(old)));
  testing::TempDir other;
  ASSERT_TRUE(make_pki({other.path().string(), {}, {}}, now));
  write(folder.file("jwks.json"), content_of(other.file("jwks.json")));
  authenticator->reload_keys(now);
  expect_refused(ask(*authenticator, with_token(old)));
}

TEST_F(JwtTest, new_keys_in_the_file_count_at_a_reload_only_whatever_tokens_come) {
  const auto authenticator = this->authenticator();
  const std::string old = token();
  testing::TempDir other;
  ASSERT_TRUE(make_pki({other.path().string(), {}, {}}, now));
  write(folder.file("jwks.json"), content_of(other.file("jwks.json")));
  write(folder.file("token.key"), content_of(other.file("token.key")));
  const std::string fresh = token();
  expect_refused(ask(*authenticator, with_token(fresh)));
  EXPECT_TRUE(ask(*authenticator, with_token(old)));
  authenticator->reload_keys(now);
  EXPECT_TRUE(ask(*authenticator, with_token(fresh)));
}

TEST_F(JwtTest, a_broken_key_file_leaves_the_old_keys_and_is_an_error_at_the_start) {
  const auto authenticator = this->authenticator();
  for (const char* broken :
       {"", "{}", "{\"keys\":[]}", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"YWJj\"}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":7}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\"}]}"}) {
    write(folder.file("jwks.json"), broken);
    authenticator->reload_keys(now);
    EXPECT_TRUE(ask(*authenticator, with_token(token())));
    EXPECT_FALSE(JwtAuthenticator::create(options(), &client)) << broken;
  }
}

// ---- keys of a URL ----------------------------------------------------------------------------

class JwtUrlTest : public JwtTest {
 protected:
  JwtOptions from_url() const {
    auto made = options();
    made.jwks = "https://issuer.example/keys";
    return made;
  }
  std::optional<Result<Principal>> last;
  void send(JwtAuthenticator& authenticator, std::string_view token, Instant at = now) {
    last.reset();
    authenticator.authenticate(with_token(token), at,
                               [this](Result<Principal> who) { last = std::move(who); });
  }
};

TEST_F(JwtUrlTest, keys_are_fetched_when_first_needed_and_the_request_waits) {
  const auto authenticator = this->authenticator(from_url());
  EXPECT_TRUE(client.sent.empty());
  send(*authenticator, token());
  EXPECT_FALSE(last);
  ASSERT_EQ(client.sent.size(), 1U);
  EXPECT_EQ(client.sent[0].request.authority, "issuer.example");
  EXPECT_EQ(client.sent[0].request.target, "/keys");
  client.answer(200, content_of(folder.file("jwks.json")));
  ASSERT_TRUE(last);
  EXPECT_TRUE(*last);
}

TEST_F(JwtUrlTest, keys_that_cannot_be_had_are_our_failure_and_soon_tried_again) {
  const auto authenticator = this->authenticator(from_url());
  for (int i = 0; i < 3; ++i) {
    send(*authenticator, token(), now + i * 2s);
    ASSERT_EQ(client.sent.size(), 1U);
    client.answer(fail(Errc::unavailable, "refused"));
    ASSERT_TRUE(last);
    EXPECT_EQ(last->error().code, Errc::unavailable);
  }
}

TEST_F(JwtUrlTest, an_unknown_key_makes_us_look_at_most_once_a_minute) {
  testing::TempDir other;
  ASSERT_TRUE(make_pki({other.path().string(), {}, {}}, now));
  const auto theirs = [&](int n) {
    return issue_token(
               other.file("token.key"),
               {std::string(issuer), std::string(audience), "x" + std::to_string(n), {}, now, 1h})
        .value();
  };
  const auto authenticator = this->authenticator(from_url());
  send(*authenticator, token());
  client.answer(200, content_of(folder.file("jwks.json")));
  for (int i = 0; i < 100; ++i) {
    send(*authenticator, theirs(i), now + 30s);
    ASSERT_TRUE(last);
    EXPECT_EQ(last->error().code, Errc::unauthenticated);
  }
  EXPECT_TRUE(client.sent.empty());
  send(*authenticator, theirs(0), now + 61s);
  ASSERT_EQ(client.sent.size(), 1U);
  client.answer(200, content_of(other.file("jwks.json")));
  ASSERT_TRUE(last);
  EXPECT_TRUE(*last);
}

TEST_F(JwtUrlTest, keys_are_refreshed_beside_the_requests_and_kept_when_that_fails) {
  const auto authenticator = this->authenticator(from_url());
  send(*authenticator, token());
  client.answer(200, content_of(folder.file("jwks.json")));
  send(*authenticator, token("vas2"), now + keys_refresh_every);
  EXPECT_TRUE(last && *last);
  ASSERT_EQ(client.sent.size(), 1U);
  client.answer(500, "");
  send(*authenticator, token("vas3"), now + keys_refresh_every + 1s);
  EXPECT_TRUE(last && *last);
  EXPECT_TRUE(client.sent.empty());
}

TEST_F(JwtUrlTest, who_waits_is_bounded) {
  const auto authenticator = this->authenticator(from_url());
  const auto request = with_token(token());
  std::size_t refused = 0;
  std::size_t served = 0;
  for (std::size_t i = 0; i < keys_waiters_max + 10; ++i)
    authenticator->authenticate(request, now, [&](const Result<Principal>& who) {
      if (who)
        ++served;
      else if (who.error().code == Errc::too_many)
        ++refused;
    });
  EXPECT_EQ(client.sent.size(), 1U);
  EXPECT_EQ(refused, 10U);
  client.answer(200, content_of(folder.file("jwks.json")));
  EXPECT_EQ(served, keys_waiters_max);
}

TEST_F(JwtUrlTest, an_authenticator_that_has_gone_ignores_the_answer) {
  auto authenticator = this->authenticator(from_url());
  send(*authenticator, token());
  authenticator.reset();
  client.answer(200, "{}");
  EXPECT_FALSE(last);
}

TEST_F(JwtUrlTest, keys_in_the_clear_are_fetched_from_this_machine_only) {
  auto made = options();
  for (const char* url :
       {"http://127.0.0.60:8080/keys", "http://localhost/keys", "http://[::1]:1/k"}) {
    made.jwks = url;
    EXPECT_TRUE(JwtAuthenticator::create(made, &client)) << url;
  }
  for (const char* url :
       {"http://issuer.example/keys", "http://127.evil.example/", "http://10.0.0.1/k"}) {
    made.jwks = url;
    EXPECT_FALSE(JwtAuthenticator::create(made, &client)) << url;
  }
}

// ---- tokens of another implementation ---------------------------------------------------------

TEST(jwt_interop, tokens_made_by_jwcrypto_are_accepted_by_algorithm_and_only_by_those_allowed) {
  const testing::TempDir folder;
  const auto claims = fmt::format(
      R"({{"iss": "{}", "aud": ["{}"], "sub": "vas1", "exp": 4102444800, "scope": "a b"}})", issuer,
      audience);
  const auto ran = run(fmt::format("{} {} make {} '{}'", LOBO_PYTHON, LOBO_TOKEN_SCRIPT,
                                   folder.path().string(), claims));
  ASSERT_EQ(ran.status, 0) << ran.output;
  JwtOptions options;
  options.jwks = folder.file("jwks.json");
  options.rules = {std::string(issuer), std::string(audience), 30s};
  options.algorithms = {"ES256", "ES384", "RS256", "PS256"};
  const auto all = JwtAuthenticator::create(options, nullptr);
  ASSERT_TRUE(all) << all.error().detail;
  for (const char* name : {"ES256", "ES384", "RS256", "PS256", "without_kid"}) {
    const auto who = ask(**all, with_token(content_of(folder.file(std::string(name) + ".jwt"))));
    ASSERT_TRUE(who) << name << ": " << who.error().detail;
    EXPECT_EQ(*who, (Principal{"vas1", {"a", "b"}}));
  }
  for (const char* name : {"EdDSA", "HS256", "confused"})
    expect_refused(ask(**all, with_token(content_of(folder.file(std::string(name) + ".jwt")))));
  options.algorithms = {"ES256"};
  const auto one = JwtAuthenticator::create(options, nullptr);
  expect_refused(ask(**one, with_token(content_of(folder.file("RS256.jwt")))));
}

// ---- development ------------------------------------------------------------------------------

TEST(open_authenticator, serves_this_machine_only) {
  OpenAuthenticator open({.subject = "local", .scopes = {"a"}, .subject_from_header = false});
  http::Request request = with_token("");
  request.headers.set("x-lobo-client", "vas1");
  expect_refused(ask(open, request));
  request.peer.loopback = true;
  EXPECT_EQ(ask(open, request).value(), (Principal{"local", {"a"}}));
}

TEST(open_authenticator, takes_a_name_from_the_header_where_allowed_and_printable) {
  OpenAuthenticator open({.subject = "local", .scopes = {}, .subject_from_header = true});
  http::Request request = with_token("");
  request.peer.loopback = true;
  EXPECT_EQ(ask(open, request)->subject, "local");
  request.headers.set("x-lobo-client", "vas1");
  EXPECT_EQ(ask(open, request)->subject, "vas1");
  for (const std::string& bad :
       {std::string(), std::string("a b"), std::string("a\nb"), std::string(300, 'x')}) {
    request.headers.set("x-lobo-client", bad);
    expect_refused(ask(open, request));
  }
}

}  // namespace
}  // namespace lobo::adapters::crypto
