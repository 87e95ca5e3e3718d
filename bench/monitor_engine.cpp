// The monitoring engine: 100,000 subscriptions at one sample a second each, on virtual time, next
// to a plain recomputation that keeps the samples of each subscription and goes through them when
// a window ends. Prints one JSON object.
//
//   monitor_engine [SUBSCRIPTIONS [WINDOWS [ROUNDS]]]     windows in a round
//   monitor_engine --count SUBSCRIPTIONS SECONDS    the engine alone, for an instruction counter

#include "services/seal_nrm/monitor_engine.hpp"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <queue>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/rng.hpp"
#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_rule.hpp"
#include "services/seal_nrm/monitor_sample.hpp"

namespace lobo::seal_nrm::monitor {
namespace {

constexpr Instant start{std::chrono::hours{24 * 365 * 56}};
constexpr double threshold_ms = 50;

struct Count final : ReportSink {
  void report(const Report&) override { ++reports; }
  std::uint64_t reports = 0;
};

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::size_t heap_octets() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

/// The same values for both: about one in twenty windows crosses the threshold.
double value_of(SeededRng& rng) {
  return static_cast<double>(rng.below(20) == 0 ? 60 + rng.below(40) : rng.below(40));
}

Rule rule_of(Duration window) {
  return {.measures = {Measure::dl_delay},
          .window = window,
          .start = start,
          .mode = Mode::on_event,
          .thresholds = {{Measure::dl_delay, threshold_ms, Direction::crossed}}};
}

class EngineLoad {
 public:
  EngineLoad(std::size_t subscriptions, std::size_t on_each_target, Duration window) {
    targets_.reserve(subscriptions / on_each_target);
    for (std::size_t i = 0; i < subscriptions / on_each_target; ++i) {
      targets_.push_back(*engine_.add_ue());
      for (std::size_t n = 0; n < on_each_target; ++n)
        if (!engine_.add(rule_of(window), {&targets_.back(), 1}, start, sink_)) std::exit(3);
    }
  }

  /// One second: a sample for each target, evenly spread.
  void second(std::int64_t s) {
    const auto step = std::chrono::microseconds{std::chrono::seconds{1}} /
                      static_cast<std::int64_t>(targets_.size());
    Instant now = start + std::chrono::seconds{s};
    for (const TargetId& target : targets_) {
      engine_.feed({.target = target, .value = value_of(rng_), .taken_at = now}, now, sink_);
      now += step;
    }
  }
  std::uint64_t reports() const { return sink_.reports; }

 private:
  Engine engine_{{.subscriptions_max = 1'000'000, .closings_per_second_max = 1e9}};
  Count sink_;
  std::vector<TargetId> targets_;
  SeededRng rng_{1};
};

/// As one would write it first: a list of samples each subscription, and a queue of ends.
class NaiveLoad {
 public:
  NaiveLoad(std::size_t subscriptions, Duration window) : subscriptions_(subscriptions) {
    for (std::size_t i = 0; i < subscriptions; ++i) {
      subscriptions_[i].rule = rule_of(window);
      ends_.push({start + window, i});
    }
  }

  void second(std::int64_t s) {
    const auto step = std::chrono::microseconds{std::chrono::seconds{1}} /
                      static_cast<std::int64_t>(subscriptions_.size());
    Instant now = start + std::chrono::seconds{s};
    for (Subscription& subscription : subscriptions_) {
      while (ends_.top().first + grace <= now) close();
      subscription.samples.push_back({.value = value_of(rng_), .taken_at = now});
      now += step;
    }
  }
  std::uint64_t reports() const { return reports_; }

 private:
  static constexpr auto grace = std::chrono::milliseconds{500};
  struct Subscription {
    Rule rule;
    std::vector<Sample> samples;
    bool known = false;
    bool above = false;
  };
  using End = std::pair<Instant, std::size_t>;

  void close() {
    const auto [end, index] = ends_.top();
    ends_.pop();
    Subscription& of = subscriptions_[index];
    double sum = 0;
    std::size_t count = 0;
    for (const Sample& sample : of.samples) {
      if (sample.taken_at < end - of.rule.window || sample.taken_at >= end) continue;
      sum += sample.value;
      ++count;
    }
    std::erase_if(of.samples, [&](const Sample& sample) { return sample.taken_at < end; });
    if (count > 0) {
      const double mean = sum / static_cast<double>(count);
      const bool above = mean == threshold_ms ? of.above : mean > threshold_ms;
      if (of.known && above != of.above) ++reports_;
      of.known = true;
      of.above = above;
    }
    ends_.push({end + of.rule.window, index});
  }

  std::vector<Subscription> subscriptions_;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
  std::uint64_t reports_ = 0;
  SeededRng rng_{1};
};

/// CPU seconds for each virtual second, of each round, sorted.
template <class Load>
std::vector<double> shares(Load& load, std::int64_t seconds, std::size_t rounds) {
  std::vector<double> all;
  std::int64_t s = 0;
  for (; s < 2 * seconds + 2; ++s) load.second(s);  // until windows close as often as they open
  for (std::size_t round = 0; round < rounds; ++round) {
    const double before = cpu_seconds();
    for (const std::int64_t end = s + seconds; s < end; ++s) load.second(s);
    all.push_back((cpu_seconds() - before) / static_cast<double>(seconds));
  }
  std::sort(all.begin(), all.end());
  return all;
}

/// From a sample that crosses, at a random moment of its window, to the report of it, in windows;
/// the engine is called exactly when something is due.
double crossing_p99(Duration window) {
  struct Latest final : ReportSink {
    void report(const Report&) override { told = now; }
    Instant now{};
    Instant told{};
  } sink;
  Engine engine;
  const TargetId target = *engine.add_ue();
  if (!engine.add(rule_of(window), {&target, 1}, start, sink)) std::exit(3);
  SeededRng rng(2);
  std::vector<double> windows;
  bool high = false;
  Instant now = start;
  for (int turn = 0; turn < 20'000; ++turn) {
    // Quiet for three windows, so that each crossing stands alone; then the value jumps.
    const double value = high ? 90 : 10;
    high = !high;
    now +=
        3 * window +
        Duration{static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(window.count())))};
    engine.feed({.target = target, .value = value, .taken_at = now}, now, sink);
    const Instant crossed = now;
    while (const auto due = engine.next_deadline()) {
      sink.now = *due;
      engine.advance(*due, sink);
    }
    if (turn == 0) continue;  // the first value crosses nothing
    windows.push_back(std::chrono::duration<double>(sink.told - crossed) /
                      std::chrono::duration<double>(window));
  }
  std::sort(windows.begin(), windows.end());
  return windows[windows.size() * 99 / 100];
}

void print(const char* name, const std::vector<double>& cpu, std::uint64_t updates,
           std::uint64_t reports, std::size_t octets) {
  std::printf(
      "\"%s\": {\"core_share_best\": %.4f, \"core_share_median\": %.4f, "
      "\"updates_per_cpu_second\": %.0f, \"reports\": %llu, "
      "\"octets_per_subscription\": %zu}",
      name, cpu.front(), cpu[cpu.size() / 2], static_cast<double>(updates) / cpu.front(),
      static_cast<unsigned long long>(reports), octets);
}

int compare(std::size_t subscriptions, std::int64_t windows, std::size_t rounds) {
  const auto second = Duration{std::chrono::seconds{1}};
  const auto minute = Duration{std::chrono::minutes{1}};
  struct Case {
    const char* name;
    std::size_t on_each_target;
    Duration window;
  };
  std::printf("{");
  for (const Case& one : {Case{"window_1s", 1, second}, Case{"window_60s", 1, minute},
                          Case{"window_1s_100_on_each_ue", 100, second}}) {
    const std::size_t before = heap_octets();
    auto load = std::make_unique<EngineLoad>(subscriptions, one.on_each_target, one.window);
    const std::size_t octets = (heap_octets() - before) / subscriptions;
    const auto cpu = shares(*load, one.window / second * windows, rounds);
    print(one.name, cpu, subscriptions, load->reports(), octets);
    std::printf(", ");
  }
  {
    const std::size_t before = heap_octets();
    auto load = std::make_unique<NaiveLoad>(subscriptions, second);
    const auto cpu = shares(*load, windows, rounds);
    const std::size_t octets = (heap_octets() - before) / subscriptions;
    print("naive_window_1s", cpu, subscriptions, load->reports(), octets);
    std::printf(", ");
  }
  {
    auto load = std::make_unique<NaiveLoad>(subscriptions, minute);
    const auto cpu = shares(*load, 60 * windows, rounds);
    print("naive_window_60s", cpu, subscriptions, load->reports(), 0);
  }
  std::printf(", \"crossing_to_report_p99_windows\": {\"1s\": %.3f, \"100ms\": %.3f}}\n",
              crossing_p99(second), crossing_p99(Duration{std::chrono::milliseconds{100}}));
  return 0;
}

int run(int argc, char** argv) {
  const auto number = [&](int at, long otherwise) {
    return argc > at ? std::strtol(argv[at], nullptr, 10) : otherwise;
  };
  if (argc == 4 && std::string_view(argv[1]) == "--count") {
    EngineLoad load(static_cast<std::size_t>(number(2, 1000)), 1, std::chrono::seconds{1});
    for (std::int64_t s = 0; s < number(3, 1); ++s) load.second(s);
    return 0;
  }
  return compare(static_cast<std::size_t>(number(1, 100'000)), number(2, 2),
                 static_cast<std::size_t>(number(3, 5)));
}

}  // namespace
}  // namespace lobo::seal_nrm::monitor

int main(int argc, char** argv) { return lobo::seal_nrm::monitor::run(argc, argv); }
