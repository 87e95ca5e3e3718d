#include "pages/status_pages.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/result.hpp"
#include "wire/http/message.hpp"

namespace lobo::app {
namespace {

http::Request asks(const std::string& path, bool loopback = true) {
  http::Request request;
  request.method = "GET";
  request.target = path;
  request.peer.loopback = loopback;
  return request;
}

StatusPages pages(bool& ready) {
  return StatusPages({.name = "relay",
                      .more = ", /status/relay/cell",
                      .metrics = [] { return std::string("lobo_x 1\n"); },
                      .status = [] { return std::string("{\"links\":0}"); },
                      .ready = [&ready]() -> Result<void> {
                        if (!ready) return fail(Errc::unavailable, "no lease");
                        return {};
                      }});
}

TEST(status_pages, metrics_health_readiness_and_a_page_are_for_this_machine) {
  bool ready = false;
  const auto all = pages(ready);
  EXPECT_EQ(all.answer(asks("/metrics")).body, "lobo_x 1\n");
  EXPECT_EQ(all.answer(asks("/status/health")).status, 200);
  EXPECT_EQ(all.answer(asks("/status/relay")).body, "{\"links\":0}");
  EXPECT_EQ(all.answer(asks("/status/ready")).status, 503);
  ready = true;
  EXPECT_EQ(all.answer(asks("/status/ready")).status, 200);
  EXPECT_EQ(all.answer(asks("/metrics", false)).status, 403);
}

TEST(status_pages, what_is_not_there_is_told_with_what_is) {
  bool ready = true;
  const auto all = pages(ready);
  const auto answer = all.answer(asks("/status/upf"));
  EXPECT_EQ(answer.status, 404);
  EXPECT_NE(answer.body.find("/status/relay/cell"), std::string::npos);
  auto request = asks("/metrics");
  request.method = "DELETE";
  EXPECT_EQ(all.answer(request).status, 405);
}

}  // namespace
}  // namespace lobo::app
