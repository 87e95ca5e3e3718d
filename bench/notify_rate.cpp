// Notifications per CPU-second: the notifier over a store without a disk, to one sink or many.
//
//   notify_rate SUBSCRIPTIONS EACH [--http1] SINK…
//
// SINK is "127.0.0.1:PORT". SUBSCRIPTIONS subscriptions, spread over the sinks, get EACH
// notifications of about 300 bytes; prints one JSON object.

#include <time.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "adapters/http/client.hpp"
#include "adapters/log/file_log.hpp"
#include "adapters/metrics/prometheus_metrics.hpp"
#include "base/rng.hpp"
#include "memory_store.hpp"
#include "runtime/notifier.hpp"
#include "settings.hpp"

namespace lobo {
namespace {

using namespace std::chrono_literals;

double cpu_seconds() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

std::string notification(std::uint64_t subscription, std::uint64_t sequence) {
  return fmt::format(
      R"({{"notifId":"http://127.0.0.1:7777/ss-nra/v1/unicast-subscriptions/{:032}","eventNotifs":[)"
      R"({{"event":"QOS_NOT_GUARANTEED","timeStamp":"2026-11-22T12:00:00.000Z","seq":{},"ts":"QoS of the flow")"
      R"(,"detail":"the network no longer guarantees what was agreed on; it offers xr-silver"}}]}})",
      subscription, sequence);
}

}  // namespace

static int serve(int count, char** words) {
  std::vector<std::string> sinks;
  auto http2 = adapters::Http2Use::always;
  for (int i = 3; i < count; ++i) {
    if (std::string_view(words[i]) == "--http1")
      http2 = adapters::Http2Use::never;
    else
      sinks.emplace_back(words[i]);
  }
  if (sinks.empty()) return 2;
  const std::uint64_t subscriptions = std::strtoull(words[1], nullptr, 10);
  const std::uint64_t each = std::strtoull(words[2], nullptr, 10);

  adapters::EventLoop loop;
  const adapters::SystemClock clock;
  SeededRng rng(1);
  adapters::metrics::PrometheusMetrics metrics;
  const auto log = adapters::log::FileLog::open({.level = runtime::Level::warn}, loop, clock);
  if (!log) return 1;
  bench::MemoryStore store(loop);
  adapters::HttpClient client(loop, {.http2 = http2});
  runtime::Notifier notifier(store, loop, client, rng, **log, metrics,
                             [](const http::Url&) { return Result<void>(); });

  const double cpu_before = cpu_seconds();
  const auto began = std::chrono::steady_clock::now();
  std::uint64_t id = 0;
  for (std::uint64_t sequence = 1; sequence <= each; ++sequence)
    for (std::uint64_t i = 0; i < subscriptions; ++i) {
      resource::Notify notify{.to = fmt::format("http://{}/n/{}", sinks[i % sinks.size()], i),
                              .sequence = sequence,
                              .body = notification(i, sequence),
                              .clause = {}};
      runtime::StoredEffect effect{.id = ++id,
                                   .from = {"unicast", fmt::format("{:032}", i)},
                                   .type = "notify",
                                   .body = resource::to_json(resource::Effect{notify})};
      runtime::Notification notification{.id = id, .of = effect.from, .what = std::move(notify)};
      store.commit({runtime::PutEffect{std::move(effect)}},
                   [&notifier, notification = std::move(notification)](const Result<void>&) {
                     notifier.enqueue(notification);
                   });
    }
  const std::uint64_t all = id;
  std::function<void()> look = [&] {
    if (notifier.pending() == 0) return loop.stop();
    loop.after(5ms, look);
  };
  loop.after(5ms, look);
  loop.run();
  const double used = cpu_seconds() - cpu_before;
  const double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  fmt::print(R"({{"notifications":{},"per_cpu_s":{:.0f},"per_s":{:.0f},"left":{}}})", all,
             static_cast<double>(all) / used, static_cast<double>(all) / wall,
             store.effects(0, 1)->size());
  fmt::print("\n");
  return 0;
}

}  // namespace lobo

int main(int count, char** words) { return lobo::serve(count, words); }
