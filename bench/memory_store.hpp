#pragma once
// A store without a disk, for measurements of what stands around one: a unit is applied at once and
// reported through the loop.

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/ports.hpp"
#include "sim/store.hpp"

namespace lobo::bench {

class MemoryStore final : public runtime::Store {
 public:
  explicit MemoryStore(runtime::Scheduler& loop) : loop_(loop) {}

  void commit(std::vector<runtime::StoreChange> unit,
              std::function<void(Result<void>)> done) override {
    for (const auto& change : unit) state_.apply(change);
    loop_.post([done = std::move(done)] { done({}); });
  }
  Result<std::optional<resource::Record>> find(const resource::Key& key) const override {
    const auto* found = state_.find(key);
    return found == nullptr ? std::nullopt : std::optional(*found);
  }
  Result<std::vector<resource::Record>> list(std::string_view kind, std::string_view owner,
                                             std::string_view after,
                                             std::size_t limit) const override {
    return state_.list(kind, owner, after, limit);
  }
  Result<std::vector<resource::Key>> by_subject(std::string_view kind, std::string_view subject,
                                                std::size_t limit) const override {
    return state_.by_subject(kind, subject, limit);
  }
  Result<std::uint64_t> count(std::string_view kind, std::string_view owner) const override {
    return state_.count(kind, owner);
  }
  Result<std::vector<runtime::StoredEffect>> effects(std::uint64_t after,
                                                     std::size_t limit) const override {
    std::vector<runtime::StoredEffect> out;
    for (auto at = state_.effects.upper_bound(after);
         at != state_.effects.end() && out.size() < limit; ++at)
      out.push_back(at->second);
    return out;
  }
  Result<std::vector<runtime::StoredEffect>> effects_of(const resource::Key& from) const override {
    std::vector<runtime::StoredEffect> out;
    for (const auto& [id, effect] : state_.effects)
      if (effect.from == from) out.push_back(effect);
    return out;
  }
  Result<std::vector<runtime::StoredTimer>> timers(Instant, std::size_t) const override {
    return std::vector<runtime::StoredTimer>{};  // Nothing measured with this store starts one.
  }
  Result<std::optional<runtime::StoredIdempotency>> idempotency(std::string_view,
                                                                std::string_view) const override {
    return std::nullopt;
  }
  Result<std::optional<std::string>> fact(std::string_view) const override { return std::nullopt; }

 private:
  runtime::Scheduler& loop_;
  sim::StoreState state_;
};

}  // namespace lobo::bench
