// UEs of a SEALDD session as a program, for tests and benchmarks of several processes. Reads one UE
// a line from standard input (far_ue.hpp), until a line that says "go". Each publishes its asset
// thirty times a second. Tells one JSON object a line: when a UE's flow was let in or its
// connection ended, by the monotonic clock, and what all have heard. Ends when standard input does.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/http/steady_clock.hpp"
#include "relay/client.hpp"
#include "relay_node/far_ue.hpp"

namespace lobo::testing {
namespace {

using namespace std::chrono_literals;

constexpr auto publish_every = 33ms;
constexpr auto look_every = 2ms;
constexpr auto tell_every = 200ms;
constexpr std::size_t state_bytes = 200;

void tell(std::string_view what, std::uint64_t number, std::string_view why) {
  const auto at = std::chrono::steady_clock::now().time_since_epoch();
  std::printf(
      "{\"%.*s\":%llu,\"atNs\":%lld,\"why\":\"%.*s\"}\n", static_cast<int>(what.size()),
      what.data(), static_cast<unsigned long long>(number),
      static_cast<long long>(std::chrono::duration_cast<std::chrono::nanoseconds>(at).count()),
      static_cast<int>(why.size()), why.data());
  std::fflush(stdout);
}

bool input_ended() {
  pollfd waits{STDIN_FILENO, POLLIN, 0};
  if (::poll(&waits, 1, 0) <= 0) return false;
  std::array<char, 64> unread{};
  return ::read(STDIN_FILENO, unread.data(), unread.size()) <= 0;
}

int run() {
  adapters::EventLoop loop;
  const adapters::SteadyWallClock clock;
  std::vector<std::unique_ptr<FarUe>> ues;
  std::uint64_t states = 0;
  // Unbuffered, so that what comes after "go" is left for poll().
  std::string line;
  for (char c = 0; ::read(STDIN_FILENO, &c, 1) == 1;) {
    if (c != '\n') {
      line += c;
      continue;
    }
    if (line == "go") break;
    auto given = ue_of_line(line);
    if (!given) {
      std::cerr << "this is no UE: " << line << '\n';
      return 2;
    }
    ues.push_back(std::make_unique<FarUe>(
        loop, clock, std::move(*given),
        FarUe::Told{
            .event = [number = ues.size()](std::string_view what,
                                           std::string_view why) { tell(what, number, why); },
            .state = [&states](const relay::Received&) { ++states; }}));
    line.clear();
  }
  const std::vector<std::byte> state(state_bytes, std::byte{7});
  std::function<void()> publish = [&] {
    for (const auto& ue : ues) ue->publish(state);
    loop.after(publish_every, publish);
  };
  std::function<void()> look = [&] {
    for (const auto& ue : ues) ue->look();
    loop.after(look_every, look);
  };
  std::function<void()> report = [&] {
    tell("states", states, "");
    if (input_ended()) return loop.stop();
    loop.after(tell_every, report);
  };
  publish();
  look();
  report();
  loop.run();
  return 0;
}

}  // namespace
}  // namespace lobo::testing

int main() { return lobo::testing::run(); }
