#include "contract/store_suite.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/store/sqlite_store.hpp"
#include "base/clock.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "contract/store_model.hpp"
#include "runtime/ports.hpp"
#include "sim/store.hpp"
#include "support/temp_dir.hpp"
#include "wire/resource/record.hpp"

namespace lobo::contract {
namespace {

using runtime::EraseEffect;
using runtime::EraseIdempotency;
using runtime::EraseIdempotencyBefore;
using runtime::EraseRecord;
using runtime::EraseTimer;
using runtime::EraseTimersOf;
using runtime::PutEffect;
using runtime::PutFact;
using runtime::PutIdempotency;
using runtime::PutRecord;
using runtime::PutTimer;
using runtime::Store;
using runtime::StoredEffect;
using runtime::StoredIdempotency;
using runtime::StoredTimer;
using namespace std::chrono_literals;
using resource::Key;
using resource::Record;

const Instant noon{Instant::duration{1'800'000'000'000'000}};

Record record(std::string id, std::string owner = "vas1", std::uint64_t version = 1,
              std::string subject = "msisdn-1", std::string state = "{}") {
  return {
      {"unicast", std::move(id)}, std::move(owner), std::move(subject), version, std::move(state)};
}
StoredEffect effect(std::uint64_t id, std::string from = "a") {
  return {id, {"unicast", std::move(from)}, "call", R"({"v":1})", false, 0};
}
StoredTimer timer(std::string id, std::string name, std::chrono::seconds after) {
  return {{"unicast", std::move(id)}, std::move(name), noon + after};
}
StoredIdempotency remembered(std::string owner, std::string key, std::chrono::seconds after) {
  return {std::move(owner), std::move(key), "digest", {"unicast", "a"}, noon + after};
}

TEST_P(StoreContract, what_was_committed_is_found_again_to_the_byte) {
  const Record odd =
      record("id", "owner", 7, "subj", std::string("{\"a\":\"\\u0000\xC3\xA9\0x\"}", 18));
  ASSERT_TRUE(commit({PutRecord{odd}}));
  EXPECT_EQ(store().find(odd.key).value(), std::optional(odd));
  EXPECT_EQ(store().find({"unicast", "other"}).value(), std::optional<Record>());
  EXPECT_EQ(store().find({"multicast", "id"}).value(), std::optional<Record>());
}

TEST_P(StoreContract, a_record_replaces_the_older_one_with_its_owner_and_subject) {
  ASSERT_TRUE(commit({PutRecord{record("a", "vas1", 1, "s1")}}));
  ASSERT_TRUE(commit({PutRecord{record("a", "vas1", 2, "s1", "[2]")}}));
  EXPECT_EQ(store().find({"unicast", "a"}).value(),
            std::optional(record("a", "vas1", 2, "s1", "[2]")));
  ASSERT_TRUE(commit({PutRecord{record("a", "vas2", 3, "s2")}}));
  EXPECT_EQ(store().count("unicast", "vas1").value(), 0U);
  EXPECT_EQ(store().count("unicast", "vas2").value(), 1U);
  EXPECT_EQ(store().by_subject("unicast", "s1", 9).value(), std::vector<Key>{});
  EXPECT_EQ(store().by_subject("unicast", "s2", 9).value(), (std::vector<Key>{{"unicast", "a"}}));
  // A version is the runtime's business: also a first version replaces what is there.
  ASSERT_TRUE(commit({PutRecord{record("a", "vas2", 1, "s3")}}));
  EXPECT_EQ(store().find({"unicast", "a"}).value(), std::optional(record("a", "vas2", 1, "s3")));
  EXPECT_EQ(store().count("unicast", "vas2").value(), 1U);
}

TEST_P(StoreContract, a_later_version_of_a_record_that_is_not_there_is_inserted) {
  ASSERT_TRUE(commit({PutRecord{record("a", "vas1", 5)}}));
  EXPECT_EQ(store().find({"unicast", "a"}).value(), std::optional(record("a", "vas1", 5)));
  EXPECT_EQ(store().count("unicast", "vas1").value(), 1U);
}

TEST_P(StoreContract, an_erased_record_is_gone_and_erasing_nothing_is_no_error) {
  ASSERT_TRUE(commit({PutRecord{record("a")}}));
  ASSERT_TRUE(commit({EraseRecord{{"unicast", "a"}}}));
  EXPECT_EQ(store().find({"unicast", "a"}).value(), std::optional<Record>());
  EXPECT_EQ(store().count("unicast", "vas1").value(), 0U);
  EXPECT_EQ(store().by_subject("unicast", "msisdn-1", 9).value(), std::vector<Key>{});
  EXPECT_TRUE(commit({EraseRecord{{"unicast", "a"}}, EraseEffect{9}, EraseTimer{{"x", "y"}, "z"},
                      EraseTimersOf{{"x", "y"}}, EraseIdempotency{"o", "k"}}));
}

TEST_P(StoreContract, changes_of_a_unit_are_applied_in_their_order) {
  ASSERT_TRUE(commit({PutRecord{record("a", "vas1", 1)}, EraseRecord{{"unicast", "a"}},
                      PutRecord{record("a", "vas2", 1)}, PutRecord{record("a", "vas2", 2)},
                      PutFact{"n", "1"}, PutFact{"n", "2"}, PutEffect{effect(1)}, EraseEffect{1},
                      PutTimer{timer("a", "expiry", 1s)}, EraseTimersOf{{"unicast", "a"}},
                      PutTimer{timer("a", "retry", 2s)}}));
  EXPECT_EQ(store().find({"unicast", "a"}).value(), std::optional(record("a", "vas2", 2)));
  EXPECT_EQ(store().count("unicast", "vas1").value(), 0U);
  EXPECT_EQ(store().count("unicast", "vas2").value(), 1U);
  EXPECT_EQ(store().fact("n").value(), std::optional<std::string>("2"));
  EXPECT_EQ(store().effects(0, 9).value(), std::vector<StoredEffect>{});
  EXPECT_EQ(store().timers(noon + 9s, 9).value(),
            (std::vector<StoredTimer>{timer("a", "retry", 2s)}));
}

TEST_P(StoreContract, units_complete_in_the_order_of_the_calls_and_are_visible_by_then) {
  constexpr std::size_t units = 200;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < units; ++i) {
    store().commit({PutFact{"n", std::to_string(i)}}, [&, i](Result<void> result) {
      EXPECT_TRUE(result);
      EXPECT_GE(std::stoul(store().fact("n")->value_or("0")), i);
      order.push_back(i);
    });
  }
  ASSERT_TRUE(loop().run_until([&] { return order.size() == units; }));
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST_P(StoreContract, an_empty_unit_completes_too) { EXPECT_TRUE(commit({})); }

TEST_P(StoreContract, a_completion_may_commit_again) {
  int rounds = 0;
  std::function<void(Result<void>)> again = [&](Result<void> result) {
    EXPECT_TRUE(result);
    if (++rounds < 20) store().commit({PutFact{"round", std::to_string(rounds)}}, again);
  };
  store().commit({}, again);
  ASSERT_TRUE(loop().run_until([&] { return rounds == 20; }));
  EXPECT_EQ(store().fact("round").value(), std::optional<std::string>("19"));
}

TEST_P(StoreContract, lists_go_page_by_page_in_byte_order_of_the_ids_of_one_owner) {
  const std::vector<std::string> ids{"A", "a", "a0", "b", "\xC3\xA9", "\xFF"};
  Unit unit;
  for (const auto& id : ids) unit.push_back(PutRecord{record(id)});
  unit.push_back(PutRecord{record("a1", "vas2")});
  unit.push_back(PutRecord{{{"multicast", "a1"}, "vas1", "", 1, "{}"}});
  std::ranges::reverse(unit);
  ASSERT_TRUE(commit(std::move(unit)));

  std::vector<std::string> seen;
  for (std::string after;;) {
    const auto page = store().list("unicast", "vas1", after, 2);
    ASSERT_TRUE(page);
    if (page->empty()) break;
    EXPECT_LE(page->size(), 2U);
    for (const auto& found : *page) {
      EXPECT_EQ(found, record(found.key.id));
      seen.push_back(found.key.id);
    }
    after = seen.back();
  }
  EXPECT_EQ(seen, ids);
  EXPECT_EQ(store().list("unicast", "vas3", "", 9).value(), std::vector<Record>{});
  EXPECT_EQ(store().list("unicast", "vas1", "", 0).value(), std::vector<Record>{});
}

TEST_P(StoreContract, ours_alone_is_an_owner_like_another) {
  ASSERT_TRUE(commit({PutRecord{record("a", "")}, PutRecord{record("b", "vas1")}}));
  EXPECT_EQ(store().list("unicast", "", "", 9).value(), (std::vector<Record>{record("a", "")}));
  EXPECT_EQ(store().count("unicast", "").value(), 1U);
}

TEST_P(StoreContract, records_are_found_by_subject_up_to_the_limit) {
  ASSERT_TRUE(commit({PutRecord{record("c")}, PutRecord{record("a", "vas2")},
                      PutRecord{record("b")}, PutRecord{record("d", "vas1", 1, "other")}}));
  EXPECT_EQ(store().by_subject("unicast", "msisdn-1", 9).value(),
            (std::vector<Key>{{"unicast", "a"}, {"unicast", "b"}, {"unicast", "c"}}));
  EXPECT_EQ(store().by_subject("unicast", "msisdn-1", 2)->size(), 2U);
  EXPECT_EQ(store().by_subject("multicast", "msisdn-1", 9).value(), std::vector<Key>{});
}

TEST_P(StoreContract, effects_come_in_ascending_order_of_their_ids_and_are_replaced_by_id) {
  ASSERT_TRUE(commit({PutEffect{effect(10)}, PutEffect{effect(9, "b")}, PutEffect{effect(100)}}));
  StoredEffect parked = effect(10);
  parked.parked = true;
  parked.attempts = 7;
  parked.body = "{}";
  ASSERT_TRUE(commit({PutEffect{parked}}));
  EXPECT_EQ(store().effects(0, 9).value(),
            (std::vector<StoredEffect>{effect(9, "b"), parked, effect(100)}));
  EXPECT_EQ(store().effects(9, 1).value(), (std::vector<StoredEffect>{parked}));
  EXPECT_EQ(store().effects(100, 9).value(), std::vector<StoredEffect>{});
  EXPECT_EQ(store().effects(std::numeric_limits<std::uint64_t>::max(), 9).value(),
            std::vector<StoredEffect>{});
  EXPECT_EQ(store().effects_of({"unicast", "a"}).value(),
            (std::vector<StoredEffect>{parked, effect(100)}));
  EXPECT_EQ(store().effects_of({"unicast", "c"}).value(), std::vector<StoredEffect>{});
  ASSERT_TRUE(commit({EraseEffect{10}}));
  EXPECT_EQ(store().effects_of({"unicast", "a"}).value(), (std::vector<StoredEffect>{effect(100)}));
}

TEST_P(StoreContract, timers_come_earliest_first_and_only_up_to_the_instant_asked_for) {
  ASSERT_TRUE(commit({PutTimer{timer("a", "expiry", 30s)}, PutTimer{timer("b", "expiry", 10s)},
                      PutTimer{timer("a", "confirm", 20s)}, PutTimer{timer("c", "x", 10s)}}));
  EXPECT_EQ(store().timers(noon + 20s, 9).value(),
            (std::vector<StoredTimer>{timer("b", "expiry", 10s), timer("c", "x", 10s),
                                      timer("a", "confirm", 20s)}));
  EXPECT_EQ(store().timers(noon + 20s, 1).value(),
            (std::vector<StoredTimer>{timer("b", "expiry", 10s)}));
  EXPECT_EQ(store().timers(noon + 10s - 1us, 9).value(), std::vector<StoredTimer>{});
  ASSERT_TRUE(commit({PutTimer{timer("a", "expiry", 5s)}}));
  EXPECT_EQ(store().timers(noon + 9s, 9).value(),
            (std::vector<StoredTimer>{timer("a", "expiry", 5s)}));
  ASSERT_TRUE(commit({EraseTimer{{"unicast", "b"}, "expiry"}, EraseTimersOf{{"unicast", "a"}}}));
  EXPECT_EQ(store().timers(noon + 99s, 9).value(),
            (std::vector<StoredTimer>{timer("c", "x", 10s)}));
}

TEST_P(StoreContract, an_idempotency_key_belongs_to_its_owner_and_expires) {
  ASSERT_TRUE(commit({PutIdempotency{remembered("vas1", "k", 10s)},
                      PutIdempotency{remembered("vas2", "k", 20s)},
                      PutIdempotency{remembered("vas1", "l", 30s)}}));
  EXPECT_EQ(store().idempotency("vas1", "k").value(), std::optional(remembered("vas1", "k", 10s)));
  EXPECT_EQ(store().idempotency("vas3", "k").value(), std::optional<StoredIdempotency>());
  ASSERT_TRUE(commit({EraseIdempotencyBefore{noon + 20s}}));
  EXPECT_EQ(store().idempotency("vas1", "k").value(), std::optional<StoredIdempotency>());
  EXPECT_EQ(store().idempotency("vas2", "k").value(), std::optional(remembered("vas2", "k", 20s)));
  auto replaced = remembered("vas2", "k", 40s);
  replaced.digest = "other";
  ASSERT_TRUE(commit({PutIdempotency{replaced}, EraseIdempotency{"vas1", "l"}}));
  EXPECT_EQ(store().idempotency("vas2", "k").value(), std::optional(replaced));
  EXPECT_EQ(store().idempotency("vas1", "l").value(), std::optional<StoredIdempotency>());
}

TEST_P(StoreContract, facts_are_replaced_by_name) {
  EXPECT_EQ(store().fact("last").value(), std::optional<std::string>());
  ASSERT_TRUE(commit({PutFact{"last", "1"}}));
  ASSERT_TRUE(commit({PutFact{"last", ""}}));
  EXPECT_EQ(store().fact("last").value(), std::optional<std::string>(""));
}

TEST_P(StoreContract, all_is_there_after_a_restart) {
  ASSERT_TRUE(commit({PutRecord{record("a")}, PutEffect{effect(1)}, PutTimer{timer("a", "t", 1s)},
                      PutIdempotency{remembered("o", "k", 1s)}, PutFact{"f", "v"}}));
  restart();
  EXPECT_EQ(store().find({"unicast", "a"}).value(), std::optional(record("a")));
  EXPECT_EQ(store().count("unicast", "vas1").value(), 1U);
  EXPECT_EQ(store().effects(0, 9).value(), (std::vector<StoredEffect>{effect(1)}));
  EXPECT_EQ(store().timers(noon + 1s, 9).value(), (std::vector<StoredTimer>{timer("a", "t", 1s)}));
  EXPECT_EQ(store().idempotency("o", "k").value(), std::optional(remembered("o", "k", 1s)));
  EXPECT_EQ(store().fact("f").value(), std::optional<std::string>("v"));
}

TEST_P(StoreContract, ten_thousand_units_at_once_are_taken_and_counted) {
  constexpr std::size_t units = 10'000;
  std::size_t done = 0;
  for (std::size_t i = 0; i < units; ++i) {
    store().commit({PutRecord{record(std::to_string(i))}, PutEffect{effect(i + 1)}},
                   [&](Result<void> result) { done += result ? 1U : 0U; });
  }
  ASSERT_TRUE(loop().run_until([&] { return done == units; }));
  EXPECT_EQ(store().count("unicast", "vas1").value(), units);
  EXPECT_EQ(store().effects(0, 2 * units)->size(), units);
}

TEST_P(StoreContract, more_units_than_the_queue_holds_are_refused_and_the_others_kept) {
  constexpr std::size_t units = 40'000;
  std::size_t kept = 0;
  std::size_t refused = 0;
  for (std::size_t i = 0; i < units; ++i) {
    store().commit({PutRecord{record(std::to_string(i))}}, [&](const Result<void>& result) {
      if (result)
        ++kept;
      else if (result.error().code == Errc::too_many)
        ++refused;
    });
  }
  ASSERT_TRUE(loop().run_until([&] { return kept + refused == units; }));
  EXPECT_EQ(store().count("unicast", "vas1").value(), kept);
  EXPECT_GE(kept, 1000U);
}

TEST_P(StoreContract, any_history_leaves_what_a_plain_model_holds) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    SeededRng rng(seed);
    StoreModel model;
    std::size_t under_way = 0;
    // Keys of earlier seeds are left behind; each seed writes under names of its own.
    StoreHistory history(rng, seed);
    for (int i = 0; i < 150; ++i) {
      auto unit = history.unit();
      model.apply(unit);
      ++under_way;
      store().commit(std::move(unit), [&](Result<void> result) {
        EXPECT_TRUE(result);
        --under_way;
      });
      if (rng.below(4) == 0) {
        ASSERT_TRUE(loop().run_until([&] { return under_way == 0; }));
      }
    }
    ASSERT_TRUE(loop().run_until([&] { return under_way == 0; }));
    if (seed % 2 == 0) restart();
    history.compare(store(), model);
  }
}

// ---- the two worlds ---------------------------------------------------------------------------

struct SqliteWorld final : StoreWorld {
  SqliteWorld() { open(); }
  ~SqliteWorld() override { opened.reset(); }
  Store& store() override { return *opened; }
  void restart() override {
    opened.reset();
    open();
  }
  void open() {
    auto result = adapters::store::SqliteStore::open({.file = folder.file("lobo.db")}, loop);
    require(result.has_value());
    opened = std::move(*result);
  }
  testing::TempDir folder;
  std::unique_ptr<adapters::store::SqliteStore> opened;
};

struct SimWorld final : StoreWorld {
  Store& store() override { return *simulated; }
  void restart() override {
    auto left = simulated->state();
    simulated = std::make_unique<sim::SimStore>(loop, std::move(left));
  }
  std::unique_ptr<sim::SimStore> simulated = std::make_unique<sim::SimStore>(loop);
};

INSTANTIATE_TEST_SUITE_P(
    stores, StoreContract,
    ::testing::Values(StoreMaker{"sqlite", [] { return std::make_unique<SqliteWorld>(); }},
                      StoreMaker{"simulated", [] { return std::make_unique<SimWorld>(); }}),
    [](const auto& made) { return std::string(made.param.name); });

}  // namespace
}  // namespace lobo::contract
