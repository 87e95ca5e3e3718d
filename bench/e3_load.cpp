// Application servers that report their energy to a media AF, thousands in one process.
//
//   e3_load http://HOST:PORT SERVERS REPORTS RATE [--http2]
//
// Registers as0, as1, … at SL0 to SL63 and then sends REPORTS reports a second RATE of them (0: 64
// at a time, as fast as they are taken), each server its next one in turn. Says "ready" between the
// two and begins with the next line of standard input. Prints one JSON object: how many were taken
// and refused, and how long after its time each was acknowledged, which is when the AF counts with
// it.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/http/client.hpp"
#include "adapters/http/loop.hpp"
#include "model/date_time.hpp"
#include "wire/http/message.hpp"

namespace lobo {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto patience = 30s;
constexpr std::size_t in_flight_max = 64;
constexpr std::uint64_t locations = 64;

struct Asked {
  std::string authority;
  std::uint64_t servers = 0, reports = 0, rate = 0;
  bool http2 = false;
};

std::string registration(std::uint64_t server) {
  return fmt::format(
      R"({{"serviceLocations":[{{"serviceLocationId":"SL{0}","baseUrls":["http://sl{0}.example/"]}}],)"
      R"("host":{{"capacityMbps":10000,"idlePowerW":100,"maxPowerW":200,"method":"MODEL_CPU",)"
      R"("relUncertainty":0.25}}}})",
      server % locations);
}

/// The `sequence`-th of a server that draws 150 W and reports every five seconds.
std::string report(std::uint64_t server, std::uint64_t sequence, Instant now) {
  const auto joules = static_cast<double>(sequence) * 750;
  const auto octets = sequence * 625'000'000;
  return fmt::format(
      R"({{"reports":[{{"reportId":"r{1}","sequence":{1},"asInstanceId":"as{0}","bootId":"b",)"
      R"("reason":"PERIODIC","measurementTime":{{"start":"{2}","end":"{3}"}},"timestamp":"{3}",)"
      R"("validityTime":3600,"host":{{"energyJ":{4},"powerW":150,"method":"MODEL_CPU",)"
      R"("relUncertainty":0.25,"state":"ACTIVE","cpuUtil":0.5,"pue":1.2}},"perServiceLocation":[)"
      R"({{"serviceLocationId":"SL{5}","energyJ":{4},"idleShareJ":{6},"dynamicJ":{7},"bytesTx":{8}}}]}}]}})",
      server, sequence, model::format_date_time(now - 5s), model::format_date_time(now), joules,
      server % locations, joules * 2 / 3, joules / 3, octets);
}

class Load {
 public:
  explicit Load(const Asked& asked)
      : asked_(asked),
        client_(loop_,
                {.http2 = asked.http2 ? adapters::Http2Use::always : adapters::Http2Use::never,
                 .http2_of = {},
                 .tls = {},
                 .admits = {},
                 .resolve = {},
                 .limits = {.connections_max = asked.http2 ? 8U : 64U}}) {}

  bool register_all() {
    goal_ = asked_.servers;
    next_ = [this](std::uint64_t i) {
      send("PUT", fmt::format("/x-e3/v1/application-servers/as{}", i), registration(i),
           Steady::now());
    };
    return run(0);
  }

  bool report_all() {
    goal_ = asked_.reports;
    sent_ = answered_ = 0;
    took_.clear();
    began_ = Steady::now();
    next_ = [this](std::uint64_t i) {
      const auto due = asked_.rate == 0
                           ? Steady::now()
                           : began_ + std::chrono::nanoseconds{1'000'000'000 * i / asked_.rate};
      send("POST", "/x-e3/v1/as-energy-reports",
           report(i % asked_.servers, i / asked_.servers + 1,
                  std::chrono::floor<Instant::duration>(std::chrono::system_clock::now())),
           due);
    };
    return run(asked_.rate);
  }

  void print() {
    std::ranges::sort(took_);
    const auto at = [&](double share) {
      return took_[static_cast<std::size_t>(static_cast<double>(took_.size() - 1) * share)];
    };
    fmt::print(
        R"({{"taken":{},"refused":{},"ms":{{"p50":{:.3f},"p99":{:.3f},"worst":{:.3f}}},"s":{:.3f}}})",
        took_.size(), refused_, at(0.5), at(0.99), took_.back(),
        std::chrono::duration<double>(Steady::now() - began_).count());
    fmt::print("\n");
  }
  bool some_taken() const { return !took_.empty(); }

 private:
  void send(std::string method, std::string target, std::string body, Steady::time_point due) {
    http::Request request{.method = std::move(method),
                          .scheme = "http",
                          .authority = asked_.authority,
                          .target = std::move(target),
                          .body = std::move(body)};
    request.headers.add("content-type", "application/json");
    ++sent_;
    client_.send(std::move(request), patience, [this, due](Result<http::Response> answer) {
      ++answered_;
      if (answer && answer->status / 100 == 2)
        took_.push_back(std::chrono::duration<double, std::milli>(Steady::now() - due).count());
      else
        ++refused_;
      if (answered_ == goal_) return loop_.stop();
      if (rate_ == 0 && sent_ < goal_) next_(sent_);
    });
  }

  void pace() {
    const auto due = static_cast<std::uint64_t>(
        std::chrono::duration<double>(Steady::now() - began_).count() * static_cast<double>(rate_));
    while (sent_ < std::min(due + 1, goal_)) next_(sent_);
    if (sent_ < goal_) loop_.after(1ms, [this] { pace(); });
  }

  bool run(std::uint64_t rate) {
    rate_ = rate;
    if (rate_ > 0)
      pace();
    else
      while (sent_ < std::min<std::uint64_t>(in_flight_max, goal_)) next_(sent_);
    loop_.run();
    return refused_ == 0;
  }

  Asked asked_;
  adapters::EventLoop loop_;
  adapters::HttpClient client_;
  std::function<void(std::uint64_t)> next_;
  std::uint64_t goal_ = 0, rate_ = 0, sent_ = 0, answered_ = 0, refused_ = 0;
  Steady::time_point began_;
  std::vector<double> took_;
};

int serve(const Asked& asked) {
  Load load(asked);
  if (!load.register_all()) {
    fmt::print(stderr, "not all servers were let in\n");
    return 1;
  }
  fmt::print("ready\n");
  (void)std::fflush(stdout);
  (void)std::getchar();
  (void)load.report_all();
  if (!load.some_taken()) return 1;
  load.print();
  return 0;
}

}  // namespace
}  // namespace lobo

int main(int count, char** words) {
  constexpr std::string_view scheme = "http://";
  if (count < 5 || !std::string_view(words[1]).starts_with(scheme)) return 2;
  lobo::Asked asked{.authority = std::string(std::string_view(words[1]).substr(scheme.size())),
                    .servers = std::strtoull(words[2], nullptr, 10),
                    .reports = std::strtoull(words[3], nullptr, 10),
                    .rate = std::strtoull(words[4], nullptr, 10),
                    .http2 = count > 5 && std::string_view(words[5]) == "--http2"};
  while (asked.authority.ends_with('/')) asked.authority.pop_back();
  return asked.servers == 0 || asked.reports == 0 ? 2 : lobo::serve(asked);
}
