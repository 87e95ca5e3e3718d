// A flow of small states on a path that loses some by chance: what congestion control lets through,
// and how soon it lets all through again. The path has room enough; loss is no sign of a queue.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "adapters/impair/proxy.hpp"
#include "base/require.hpp"
#include "quic/ends.hpp"
#include "wire/impair/line.hpp"

namespace lobo::testing {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

/// Five avatars in full at 60 Hz are about 105 kB a second: two datagrams each time.
constexpr auto period = 16'667us;
constexpr std::size_t large = 1150, small = 600;
constexpr impair::Settings calm{};
constexpr impair::Settings bad{.loss = impair::PerMillion{35'000}, .delay = 57ms, .jitter = 12ms};

class quic_lossy : public QuicEnds {
 protected:
  void meet_through_the_proxy() {
    serve();
    auto opened = adapters::impair::open_proxy(
        loop, {.at = loopback(), .to = server->local(), .up = calm, .down = calm, .seed = 7});
    require(opened.has_value());
    proxy = std::move(*opened);
    make_client();
    auto to = target();
    to.to = proxy->local();
    link = connect(to);
    ASSERT_TRUE(until([&] { return at_client.opened_as.contains(link) && at_server.last != 0; }));
  }
  /// As a node says it: where the one before still waits, this one is left out.
  void say_on() {
    const auto wait = std::chrono::ceil<std::chrono::microseconds>(next - steady_clock::now());
    loop.after(std::max(wait, 0us), [this] {
      next += period;
      ++asked;
      if (server->writable(at_server.last)) {
        ++said;
        for (const std::size_t octets : {large, small})
          (void)server->send_datagram(at_server.last, std::vector<std::byte>(octets), asked);
      }
      if (talking) say_on();
    });
  }
  struct Share {
    double said = 0;
    double came = 0;
  };
  /// Of those that were to be said in that time.
  Share share_of(std::chrono::milliseconds time) {
    const auto asked_before = asked, said_before = said, came_before = at_client.datagrams.size();
    const auto end = steady_clock::now() + time;
    EXPECT_TRUE(until([&] { return steady_clock::now() >= end; }));
    const auto all = static_cast<double>(asked - asked_before);
    return {static_cast<double>(said - said_before) / all,
            static_cast<double>(at_client.datagrams.size() - came_before) / all / 2};
  }

  std::unique_ptr<adapters::impair::Proxy> proxy;
  steady_clock::time_point next = steady_clock::now();
  std::size_t asked = 0, said = 0;
  bool talking = true;
};

TEST_F(quic_lossy, chance_losses_take_no_more_than_what_they_lose) {
  meet_through_the_proxy();
  next = steady_clock::now();
  say_on();
  const auto before = share_of(3s);
  EXPECT_GT(before.said, 0.99);
  proxy->set(bad, bad);
  (void)share_of(1s);  // until it is the bad path's alone
  const auto during = share_of(12s);
  proxy->set(calm, calm);
  // The last second of the bad path leaves the pipe; then all of it is there again.
  std::chrono::milliseconds back{};
  constexpr std::chrono::milliseconds step = 500ms, back_within = 10s;
  for (Share now{}; back < back_within; back += step)
    if (now = share_of(step); now.came > 0.99) break;
  talking = false;
  EXPECT_GT(during.said, 0.9);
  EXPECT_GT(during.came, 0.9 - 0.05);
  EXPECT_LE(back, 2s);
}

}  // namespace
}  // namespace lobo::testing
