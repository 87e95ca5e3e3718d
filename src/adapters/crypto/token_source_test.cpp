#include "adapters/crypto/token_source.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/crypto/crypto_test_support.hpp"
#include "adapters/crypto/digest.hpp"
#include "adapters/crypto/system_rng.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"

namespace lobo::adapters::crypto {
namespace {

using namespace std::chrono_literals;

class TokenSourceTest : public ::testing::Test {
 protected:
  void ask(bool renew = false) {
    source->authorization(renew, [this](Result<std::string> value) {
      got.push_back(value ? *value : "error: " + value.error().detail);
    });
  }
  static std::string answer(std::string_view token, int life = 300) {
    return R"({"access_token":")" + std::string(token) +
           R"(","token_type":"bearer","expires_in":)" + std::to_string(life) + "}";
  }
  HandClient client;
  ManualClock clock;
  std::unique_ptr<TokenSource> source =
      TokenSource::create({"https://nrf.example/oauth2/token", "lobo", "s:e c", "nef-qos x"},
                          client, clock)
          .value();
  std::vector<std::string> got;
};

TEST_F(TokenSourceTest, asks_by_client_credentials_and_keeps_the_secret_out_of_the_body) {
  ask();
  ASSERT_EQ(client.sent.size(), 1U);
  const auto& request = client.sent[0].request;
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.authority, "nrf.example");
  EXPECT_EQ(request.target, "/oauth2/token");
  EXPECT_EQ(request.headers.find("content-type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(request.headers.find("authorization"), "Basic bG9ibzpzJTNBZSUyMGM=");
  EXPECT_EQ(request.body, "grant_type=client_credentials&scope=nef-qos%20x");
}

TEST_F(TokenSourceTest,
       one_request_serves_all_who_wait_and_those_after_until_shortly_before_expiry) {
  ask();
  ask();
  ASSERT_EQ(client.sent.size(), 1U);
  client.answer(200, answer("t1"));
  EXPECT_EQ(got, (std::vector<std::string>{"Bearer t1", "Bearer t1"}));
  clock.advance(300s - token_margin - 1s);
  ask();
  EXPECT_EQ(got.size(), 3U);
  clock.advance(1s);
  ask();
  EXPECT_EQ(got.size(), 3U);
  client.answer(200, answer("t2"));
  EXPECT_EQ(got.back(), "Bearer t2");
}

TEST_F(TokenSourceTest, a_refused_token_is_renewed_once_for_all_whom_it_was_refused) {
  ask();
  client.answer(200, answer("t1"));
  clock.advance(10s);
  ask(true);
  ask(true);
  ASSERT_EQ(client.sent.size(), 1U);
  client.answer(200, answer("t2"));
  ask(true);  // refused with the old token as well, but answered late
  EXPECT_EQ(got, (std::vector<std::string>{"Bearer t1", "Bearer t2", "Bearer t2", "Bearer t2"}));
  EXPECT_TRUE(client.sent.empty());
}

TEST_F(TokenSourceTest, a_failure_is_told_to_all_and_tried_again_a_moment_later) {
  ask();
  ask();
  client.answer(fail(Errc::timeout, "no answer"));
  ask();
  EXPECT_EQ(got.size(), 3U);
  for (const auto& text : got) EXPECT_NE(text.find("no answer"), std::string::npos);
  EXPECT_TRUE(client.sent.empty());
  clock.advance(token_retry_after);
  ask();
  client.answer(200, answer("t1"));
  EXPECT_EQ(got.back(), "Bearer t1");
}

TEST_F(TokenSourceTest, an_answer_that_is_no_token_is_an_error_and_does_not_leak) {
  for (const std::string& body :
       {std::string(), std::string("[]"), std::string("{}"), std::string(R"({"access_token":7})"),
        std::string(R"({"access_token":"t"})"),
        std::string(R"({"access_token":"t","token_type":"mac"})"),
        std::string(R"({"access_token":"a\r\nx: y","token_type":"Bearer"})"), answer("t", 0),
        std::string(token_answer_bytes_max + 1, ' ')}) {
    ask();
    client.answer(200, body);
    EXPECT_EQ(got.back().substr(0, 6), "error:") << body.substr(0, 50);
    clock.advance(token_retry_after);
  }
  ask();
  client.answer(401, "your secret was s:e c");
  EXPECT_EQ(got.back(), "error: no token from https://nrf.example: it answered 401");
}

TEST_F(TokenSourceTest, who_waits_is_bounded) {
  for (std::size_t i = 0; i < token_waiters_max + 1; ++i) ask();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_NE(got[0].find("too many"), std::string::npos);
}

TEST_F(TokenSourceTest, an_answer_after_its_end_is_ignored) {
  ask();
  source.reset();
  client.answer(200, answer("t1"));
  EXPECT_TRUE(got.empty());
}

TEST_F(TokenSourceTest, a_secret_is_not_sent_in_the_clear_beyond_this_machine) {
  EXPECT_FALSE(TokenSource::create({"http://nrf.example/t", "a", "b", ""}, client, clock));
  EXPECT_TRUE(TokenSource::create({"http://127.0.0.61:7777/t", "a", "b", ""}, client, clock));
}

TEST(system_rng, does_not_repeat_itself) {
  SystemRng rng;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(seen.insert(rng.next()).second);
}

TEST(digest, sha256_and_base64_of_the_published_examples) {
  Hasher hasher;
  const auto digest = hasher.sha256("abc");  // FIPS 180-2 appendix B.1
  EXPECT_EQ(base64(digest), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
  EXPECT_EQ(base64url(digest), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
  const auto bytes = [](std::string_view text) {
    return std::vector<unsigned char>(text.begin(), text.end());
  };
  EXPECT_EQ(base64(bytes("")), "");  // RFC 4648 clause 10
  EXPECT_EQ(base64(bytes("f")), "Zg==");
  EXPECT_EQ(base64(bytes("fo")), "Zm8=");
  EXPECT_EQ(base64(bytes("foob")), "Zm9vYg==");
}

}  // namespace
}  // namespace lobo::adapters::crypto
