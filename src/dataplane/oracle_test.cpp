#include "dataplane/oracle.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/quantity.hpp"
#include "dataplane/bottleneck.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/set_queue.hpp"
#include "dataplane/set_tracker.hpp"
#include "model/pdu_set.hpp"

namespace lobo::dataplane {
namespace {

using namespace std::chrono_literals;

struct Offered {
  std::vector<OracleFrame> frames;
  std::vector<OraclePdu> pdus;
  void frame(unsigned psi, std::uint32_t bytes, Elapsed at) {
    frames.push_back({Psi::low_bits_of(psi), static_cast<std::uint32_t>(pdus.size()), 1});
    pdus.push_back({bytes, at});
  }
};

/// Sends the chosen frames and nothing else; true where none is dropped.
bool fits(const Offered& offered, const std::vector<bool>& chosen, BitsPerSecond rate,
          std::uint64_t queue_bytes) {
  Bottleneck link(rate, {.policy = Policy::taildrop, .bytes_max = queue_bytes});
  SetTracker flow;
  bool all = true;
  const auto tell = [&](const Fate& fate) { all = all && !fate.dropped; };
  for (std::size_t i = 0; i < offered.frames.size(); ++i)
    if (chosen[i])
      for (std::uint32_t k = 0; k < offered.frames[i].pdus; ++k) {
        const auto& pdu = offered.pdus[offered.frames[i].first_pdu + k];
        link.arrive(flow, nullptr, std::nullopt, {i, pdu.bytes}, pdu.at, tell);
      }
  link.drain(tell);
  return all;
}

/// Frames of a choice that decode, by the needs as the header states them.
std::size_t decodable(const Offered& offered, const std::vector<bool>& chosen) {
  std::size_t count = 0;
  bool chain = false;
  bool reference_b = false;
  for (std::size_t i = 0; i < offered.frames.size(); ++i) {
    const unsigned psi = offered.frames[i].psi.value();
    bool good = chosen[i];
    if (psi >= 2) good = good && chain;
    if (psi >= 8) good = good && reference_b;
    count += good ? 1U : 0U;
    if (psi >= 1 && psi <= 3) chain = reference_b = good;
    if (psi >= 4 && psi <= 7) reference_b = good;
  }
  return count;
}

TEST(oracle, everything_passes_a_link_that_is_fast_enough) {
  Offered offered;
  for (unsigned i = 0; i < 10; ++i) offered.frame(i == 0 ? 1 : 2, 1000, i * 10ms);
  const auto best = best_frames(offered.frames, offered.pdus, {8'000'000}, 2000);
  EXPECT_EQ(best.bound, 10U);
  EXPECT_EQ(best.chosen_count, 10U);
}

TEST(oracle, gives_up_what_nothing_depends_on) {
  Offered offered;
  offered.frame(1, 1000, 0ms);
  for (unsigned i = 0; i < 20; ++i) offered.frame(i % 2 == 0 ? 2 : 8, 1000, (i + 1) * 1ms);
  // Half of the bytes can pass: all of the chain, and what fits into the queue besides.
  const auto best = best_frames(offered.frames, offered.pdus, {4'000'000}, 3000);
  EXPECT_TRUE(fits(offered, best.chosen, {4'000'000}, 3000));
  EXPECT_EQ(decodable(offered, best.chosen), best.chosen_count);
  for (std::size_t i = 0; i < offered.frames.size(); ++i)
    EXPECT_TRUE(best.chosen[i] || offered.frames[i].psi.value() == 8);
  EXPECT_GE(best.bound, best.chosen_count);
}

TEST(oracle, has_nothing_to_say_of_nothing) {
  EXPECT_EQ(best_frames({}, {}, {1000}, 1000).bound, 0U);
}

// No choice is better than the bound, and what is chosen can be done and decodes.
RC_GTEST_PROP(oracle, the_bound_holds_against_every_choice_of_a_few_frames, ()) {
  Offered offered;
  const auto count = *rc::gen::inRange<std::size_t>(1, 11);
  Elapsed at{};
  for (std::size_t i = 0; i < count; ++i) {
    const auto psi = *rc::gen::elementOf(std::vector<unsigned>{0, 1, 2, 2, 4, 8, 8});
    offered.frame(psi, *rc::gen::inRange(100U, 1500U), at);
    at += std::chrono::microseconds(*rc::gen::inRange(0, 1500));
  }
  const BitsPerSecond rate{8'000'000};
  const std::uint64_t queue_bytes = *rc::gen::inRange<std::uint64_t>(1000, 4000);
  const auto best = best_frames(offered.frames, offered.pdus, rate, queue_bytes);
  std::size_t truly_best = 0;
  for (std::size_t mask = 0; mask < std::size_t{1} << count; ++mask) {
    std::vector<bool> chosen(count);
    for (std::size_t i = 0; i < count; ++i) chosen[i] = (mask >> i & 1U) != 0;
    if (fits(offered, chosen, rate, queue_bytes))
      truly_best = std::max(truly_best, decodable(offered, chosen));
  }
  RC_ASSERT(best.bound >= truly_best);
  RC_ASSERT(best.chosen_count <= truly_best);
  RC_ASSERT(fits(offered, best.chosen, rate, queue_bytes));
  RC_ASSERT(decodable(offered, best.chosen) == best.chosen_count);
}

}  // namespace
}  // namespace lobo::dataplane
