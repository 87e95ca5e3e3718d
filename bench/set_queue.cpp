// What PDU-Set handling costs over tail drop: the same packets offered to the same queue at 20 %
// overload, a packet offered, and served where the link is free, in each turn.
//
//   set_queue                     the benchmark, in Google Benchmark's options
//   set_queue --count POLICY N    N turns and nothing else, for an instruction counter

#include "dataplane/set_queue.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <vector>

#include "dataplane/elapsed.hpp"
#include "dataplane/set_handling.hpp"
#include "dataplane/set_tracker.hpp"
#include "model/pdu_set.hpp"

namespace lobo::dataplane {
namespace {

constexpr std::size_t pdus_count =
    std::size_t{12} * 1024;  // whole sets, and a whole number of PSSN wraps
constexpr std::uint32_t pdu_bytes = 1256;
constexpr std::size_t pdus_in_set = 12;
constexpr std::array<unsigned, 8> importance{1, 8, 4, 8, 2, 8, 4, 8};

class Work {
 public:
  explicit Work(Policy policy)
      : handling_({.policy = policy, .bytes_max = 300'000, .pdus_max = 4096, .sets_max = 256}) {
    for (std::size_t i = 0; i < pdus_count; ++i) {
      const std::size_t set = i / pdus_in_set;
      PduSetMark mark;
      mark.end_of_pdu_set = i % pdus_in_set == pdus_in_set - 1;
      mark.psi = Psi::low_bits_of(importance[set % importance.size()]);
      mark.pssn = Pssn::wrapped(set);
      mark.psn = Psn::wrapped(i % pdus_in_set);
      mark.pdu_set_size = pdu_bytes * pdus_in_set;
      mark.pdus_in_set = pdus_in_set;
      marks_.push_back(mark);
    }
  }

  void turn() {
    const PduSetMark& mark = marks_[at_];
    at_ = at_ + 1 == pdus_count ? 0 : at_ + 1;
    now_ += std::chrono::microseconds{100};
    benchmark::DoNotOptimize(
        handling_.offer(flow_, mark, sequence_++, {at_, pdu_bytes, mark.end_of_pdu_set}, now_));
    while (handling_.queue().next_dropped()) continue;
    credit_ += 5;
    if (credit_ < 6) return;
    credit_ -= 6;
    benchmark::DoNotOptimize(handling_.queue().dequeue(now_));
  }

  double dropped_share() const {
    std::uint64_t pdus = 0;
    for (const auto& tally : handling_.queue().dropped()) pdus += tally.pdus;
    return static_cast<double>(pdus) /
           static_cast<double>(pdus + handling_.queue().delivered().pdus);
  }

 private:
  SetHandling handling_;
  SetTracker flow_;
  std::vector<PduSetMark> marks_;
  std::size_t at_ = 0;
  std::uint16_t sequence_ = 0;
  Elapsed now_{};
  int credit_ = 0;
};

void handle(benchmark::State& state, Policy policy) {
  Work work(policy);
  for (auto turn : state) work.turn();
  state.counters["dropped"] = work.dropped_share();
}
BENCHMARK_CAPTURE(handle, taildrop, Policy::taildrop);
BENCHMARK_CAPTURE(handle, psihi, Policy::psihi);
BENCHMARK_CAPTURE(handle, evict, Policy::evict);
BENCHMARK_CAPTURE(handle, threshold, Policy::threshold);

int count(std::string_view name, std::string_view turns) {
  std::uint64_t left = 0;
  std::from_chars(turns.data(), turns.data() + turns.size(), left);
  for (const auto policy : policies) {
    if (to_string(policy) != name) continue;
    Work work(policy);
    while (left-- > 0) work.turn();
    std::printf("dropped %.3f\n", work.dropped_share());
    return 0;
  }
  return 2;
}

}  // namespace
}  // namespace lobo::dataplane

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "--count")
    return lobo::dataplane::count(argv[2], argv[3]);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
