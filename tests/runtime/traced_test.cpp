#include "runtime/traced.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "runtime/ports.hpp"
#include "sim/loop.hpp"
#include "wire/http/message.hpp"
#include "world.hpp"

namespace lobo::runtime {
namespace {

class Lines final : public Trace {
 public:
  void message(const TraceMessage& message) override { messages.push_back(message); }
  std::vector<TraceMessage> messages;
};

class TracedTest : public testing::Test {
 public:
  TracedTest() { network.attach("nef", &traced_nef); }
  void ask(const std::string& target, const std::string& body) {
    bool done = false;
    client.send(
        {.method = "POST", .scheme = "http", .authority = "nef", .target = target, .body = body},
        std::chrono::milliseconds(1000), [&](const Result<http::Response>&) { done = true; });
    loop.run_until([&] { return done; }, std::chrono::seconds(5));
  }
  SeededRng rng{1};
  sim::SimLoop loop;
  sim::SimNetwork network{loop, rng};
  Lines ours, theirs;
  Party nef;
  TracedHandler traced_nef{nef, theirs, "nef", loop};
  std::unique_ptr<HttpClient> plain = network.client("lobo");
  TracedClient client{*plain, ours, "lobo", loop, rng};
};

TEST_F(TracedTest, both_ends_write_down_a_message_under_one_span) {
  ask("/x?y=1", "hello");
  ASSERT_EQ(ours.messages.size(), 2U);
  ASSERT_EQ(theirs.messages.size(), 2U);
  EXPECT_EQ(ours.messages[0].text, "POST /x");
  EXPECT_EQ(ours.messages[0].from, "lobo");
  EXPECT_EQ(theirs.messages[0].to, "nef");
  EXPECT_EQ(ours.messages[0].span, theirs.messages[0].span);
  EXPECT_EQ(ours.messages[1].text, "200");
  EXPECT_FALSE(ours.messages[1].request);
  EXPECT_EQ(theirs.messages[0].body, "hello");
}

TEST_F(TracedTest, an_answer_that_never_came_is_told) {
  network.attach("nef", nullptr);
  ask("/x", "");
  EXPECT_EQ(ours.messages[1].text, "(unavailable)");
}

TEST_F(TracedTest, no_secret_of_a_callback_is_in_a_trace) {
  const std::string secret = "4bc267e9f4efd93256a5bdcdca5f0c86";
  ask("/nrm-callbacks/v1/unicast/1/" + secret,
      "{\"notificationDestination\":\"http://us/" + secret + "\"}");
  for (const auto& message : ours.messages) {
    EXPECT_EQ(message.text.find(secret), std::string::npos);
    EXPECT_EQ(message.body.find(secret), std::string::npos);
  }
  EXPECT_EQ(ours.messages[0].text, "POST /nrm-callbacks/v1/unicast/1/4bc267e9...");
  // Nor the half that the cut of a long body would leave.
  ask("/x", std::string(trace_body_bytes_max - 16, ' ') + secret);
  EXPECT_EQ(ours.messages[2].body.find(secret.substr(0, 9)), std::string::npos);
}

TEST_F(TracedTest, a_stranger_without_a_span_is_told_from_our_side_alone) {
  http::Request request{.method = "GET", .target = "/x"};
  request.headers.add("traceparent", "00-zz");
  traced_nef.handle(std::move(request), [](const http::Response&) {});
  EXPECT_EQ(theirs.messages[0].from, "client");
  EXPECT_TRUE(theirs.messages[0].span.empty());
}

}  // namespace
}  // namespace lobo::runtime
