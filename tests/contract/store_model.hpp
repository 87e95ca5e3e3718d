#pragma once
// A store as plain vectors, searched from one end to the other: slow, and too simple to be wrong in
// the way that an index can be. And histories of units to hold a real one against it.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "base/rng.hpp"
#include "runtime/ports.hpp"

namespace lobo::contract {

struct StoreModel {
  std::vector<resource::Record> records;
  std::vector<runtime::StoredEffect> effects;
  std::vector<runtime::StoredTimer> timers;
  std::vector<runtime::StoredIdempotency> idempotency;

  void apply(const std::vector<runtime::StoreChange>& unit) {
    for (const auto& change : unit) apply(change);
  }
  void apply(const runtime::StoreChange& change) {
    if (const auto* put = std::get_if<runtime::PutRecord>(&change)) {
      std::erase_if(records, [&](const auto& r) { return r.key == put->record.key; });
      records.push_back(put->record);
    } else if (const auto* gone = std::get_if<runtime::EraseRecord>(&change)) {
      std::erase_if(records, [&](const auto& r) { return r.key == gone->key; });
    } else if (const auto* sent = std::get_if<runtime::PutEffect>(&change)) {
      std::erase_if(effects, [&](const auto& e) { return e.id == sent->effect.id; });
      effects.push_back(sent->effect);
    } else if (const auto* performed = std::get_if<runtime::EraseEffect>(&change)) {
      std::erase_if(effects, [&](const auto& e) { return e.id == performed->id; });
    } else if (const auto* set = std::get_if<runtime::PutTimer>(&change)) {
      std::erase_if(timers, [&](const auto& t) {
        return t.of == set->timer.of && t.name == set->timer.name;
      });
      timers.push_back(set->timer);
    } else if (const auto* stopped = std::get_if<runtime::EraseTimer>(&change)) {
      std::erase_if(timers,
                    [&](const auto& t) { return t.of == stopped->of && t.name == stopped->name; });
    } else if (const auto* all = std::get_if<runtime::EraseTimersOf>(&change)) {
      std::erase_if(timers, [&](const auto& t) { return t.of == all->of; });
    } else if (const auto* made = std::get_if<runtime::PutIdempotency>(&change)) {
      std::erase_if(idempotency, [&](const auto& i) {
        return i.owner == made->entry.owner && i.key == made->entry.key;
      });
      idempotency.push_back(made->entry);
    } else if (const auto* forgotten = std::get_if<runtime::EraseIdempotency>(&change)) {
      std::erase_if(idempotency, [&](const auto& i) {
        return i.owner == forgotten->owner && i.key == forgotten->key;
      });
    }
  }
};

/// Units over few names, so that they meet; all names carry the seed, so that histories do not.
class StoreHistory {
 public:
  StoreHistory(Rng& rng, std::uint64_t seed)
      : rng_(rng), kind_("k" + std::to_string(seed)), seed_(seed) {}

  std::vector<runtime::StoreChange> unit() {
    std::vector<runtime::StoreChange> changes(1 + rng_.below(4));
    for (auto& change : changes) change = this->change();
    return changes;
  }

  void compare(const runtime::Store& store, const StoreModel& model) const {
    for (std::uint64_t i = 0; i < names; ++i) {
      const resource::Key key{kind_, name(i)};
      const auto found = std::ranges::find(model.records, key, &resource::Record::key);
      EXPECT_EQ(store.find(key).value(),
                found == model.records.end() ? std::nullopt : std::optional(*found));
      std::vector<runtime::StoredEffect> effects;
      std::ranges::copy_if(model.effects, std::back_inserter(effects),
                           [&](const auto& e) { return e.from == key; });
      std::ranges::sort(effects, {}, &runtime::StoredEffect::id);
      EXPECT_EQ(store.effects_of(key).value(), effects);
    }
    for (std::uint64_t i = 0; i < owners; ++i) compare_owner(store, model, name(i));
    compare_timers(store, model);
  }

 private:
  static constexpr std::uint64_t names = 12;
  static constexpr std::uint64_t owners = 3;

  static std::string name(std::uint64_t i) { return "n" + std::to_string(i); }
  static Instant at(std::uint64_t i) {
    return Instant{Instant::duration{static_cast<std::int64_t>(i)}};
  }
  resource::Key key() { return {kind_, name(rng_.below(names))}; }
  std::uint64_t effect_id() { return seed_ * 1000 + rng_.below(40); }

  runtime::StoreChange change() {
    switch (rng_.below(10)) {
      case 0:
      case 1:
      case 2:
        return runtime::PutRecord{{key(), name(rng_.below(owners)),
                                   rng_.below(2) == 0 ? "" : name(rng_.below(3)), 1 + rng_.below(3),
                                   std::to_string(rng_.next())}};
      case 3: return runtime::EraseRecord{key()};
      case 4:
      case 5:
        return runtime::PutEffect{{effect_id(), key(), "call", std::to_string(rng_.next()),
                                   rng_.below(2) == 0, static_cast<std::uint32_t>(rng_.below(9))}};
      case 6: return runtime::EraseEffect{effect_id()};
      case 7: return runtime::PutTimer{{key(), name(rng_.below(3)), at(rng_.below(50))}};
      case 8:
        if (rng_.below(2) == 0) return runtime::EraseTimersOf{key()};
        return runtime::EraseTimer{key(), name(rng_.below(3))};
      default:
        if (rng_.below(3) == 0) return runtime::EraseIdempotency{kind_, name(rng_.below(names))};
        return runtime::PutIdempotency{
            {kind_, name(rng_.below(names)), "d", key(), at(rng_.below(50))}};
    }
  }

  void compare_owner(const runtime::Store& store, const StoreModel& model,
                     const std::string& owner) const {
    std::vector<resource::Record> owned;
    std::vector<resource::Key> concerned;
    for (const auto& record : model.records) {
      if (record.owner == owner) owned.push_back(record);
      if (record.subject == owner) concerned.push_back(record.key);
    }
    std::ranges::sort(owned, {}, &resource::Record::key);
    std::ranges::sort(concerned);
    EXPECT_EQ(store.list(kind_, owner, "", 1000).value(), owned);
    EXPECT_EQ(store.count(kind_, owner).value(), owned.size());
    EXPECT_EQ(store.by_subject(kind_, owner, 1000).value(), concerned);
  }

  void compare_timers(const runtime::Store& store, const StoreModel& model) const {
    auto expected = model.timers;
    std::ranges::sort(expected, [](const auto& a, const auto& b) {
      return std::tie(a.due, a.of, a.name) < std::tie(b.due, b.of, b.name);
    });
    auto found = store.timers(at(1000), 100'000);
    ASSERT_TRUE(found);
    std::erase_if(*found, [&](const auto& timer) { return timer.of.kind != kind_; });
    EXPECT_EQ(*found, expected);
    for (std::uint64_t i = 0; i < names; ++i) {
      const auto entry = std::ranges::find_if(
          model.idempotency, [&](const auto& e) { return e.owner == kind_ && e.key == name(i); });
      EXPECT_EQ(store.idempotency(kind_, name(i)).value(),
                entry == model.idempotency.end() ? std::nullopt : std::optional(*entry));
    }
  }

  Rng& rng_;
  std::string kind_;
  std::uint64_t seed_;
};

}  // namespace lobo::contract
