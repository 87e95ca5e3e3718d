#pragma once
// runtime::Store in memory on virtual time, with the faults that a disk has. Its state is a value:
// what a crash leaves behind starts the next server.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "runtime/ports.hpp"

namespace lobo::sim {

/// All that a store holds. Ordered, so that two of the same content read the same.
class StoreState {
 public:
  void apply(const runtime::StoreChange& change);

  const resource::Record* find(const resource::Key& key) const;
  std::vector<resource::Record> list(std::string_view kind, std::string_view owner,
                                     std::string_view after, std::size_t limit) const;
  std::vector<resource::Key> by_subject(std::string_view kind, std::string_view subject,
                                        std::size_t limit) const;
  std::uint64_t count(std::string_view kind, std::string_view owner) const;

  using OwnerIndex =
      std::set<std::tuple<std::string, std::string, std::string>>;  ///< kind, owner, id

  std::map<resource::Key, resource::Record> records;
  std::map<std::uint64_t, runtime::StoredEffect> effects;
  std::map<std::pair<resource::Key, std::string>, runtime::StoredTimer> timers;
  std::map<std::pair<std::string, std::string>, runtime::StoredIdempotency> idempotency;
  std::map<std::string, std::string, std::less<>> facts;

  bool operator==(const StoreState&) const = default;

 private:
  void put(const resource::Record& record);
  void erase(const resource::Key& key);

  // Derived from records; compared with them, which costs time but not truth.
  OwnerIndex by_owner_;
  OwnerIndex by_subject_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> counts_;
};

enum class CrashPoint : std::uint8_t {
  before_durable,  ///< the unit is lost
  after_durable,   ///< the unit is kept, but nobody was told
};

class SimStore final : public runtime::Store {
 public:
  static constexpr std::chrono::microseconds latency_usual{200};
  static constexpr std::size_t queue_units_max = 16384;

  explicit SimStore(runtime::Scheduler& scheduler, StoreState state = {});
  ~SimStore() override;

  // ---- faults ----
  /// The disk is full: every commit fails, reads work.
  void set_full(bool full) { full_ = full; }
  /// Every call answers Errc::unavailable.
  void set_gone(bool gone) { gone_ = gone; }
  /// Reads answer Errc::unavailable, commits work.
  void set_unreadable(bool unreadable) { unreadable_ = unreadable; }
  /// Time from a commit to its durability; already begun ones keep theirs.
  void set_latency(std::chrono::microseconds latency) { latency_ = latency; }
  /// The n-th commit from now (1 is the next) fails; later ones do not.
  void fail_commit(std::uint64_t nth) { fail_at_ = commits_ + nth; }
  /// The process dies at the n-th commit from now; `crashed` runs on the loop right after.
  void crash_at_commit(std::uint64_t nth, CrashPoint point, std::function<void()> crashed);
  /// The process dies now: what is not durable is lost, no pending completion is ever called, and
  /// everything after answers Errc::unavailable.
  void crash();

  bool crashed() const { return crashed_; }
  std::uint64_t commits() const { return commits_; }  ///< units handed in so far
  /// What is durable.
  const StoreState& state() const { return state_; }

  // ---- the port ----
  void commit(std::vector<runtime::StoreChange> unit,
              std::function<void(Result<void>)> done) override;
  Result<std::optional<resource::Record>> find(const resource::Key& key) const override;
  Result<std::vector<resource::Record>> list(std::string_view kind, std::string_view owner,
                                             std::string_view after,
                                             std::size_t limit) const override;
  Result<std::vector<resource::Key>> by_subject(std::string_view kind, std::string_view subject,
                                                std::size_t limit) const override;
  Result<std::uint64_t> count(std::string_view kind, std::string_view owner) const override;
  Result<std::vector<runtime::StoredEffect>> effects(std::uint64_t after,
                                                     std::size_t limit) const override;
  Result<std::vector<runtime::StoredEffect>> effects_of(const resource::Key& from) const override;
  Result<std::vector<runtime::StoredTimer>> timers(Instant until, std::size_t limit) const override;
  Result<std::optional<runtime::StoredIdempotency>> idempotency(
      std::string_view owner, std::string_view key) const override;
  Result<std::optional<std::string>> fact(std::string_view name) const override;

 private:
  struct Pending {
    std::vector<runtime::StoreChange> unit;
    std::function<void(Result<void>)> done;
    std::optional<Error> error;  ///< decided when it was handed in
    bool ripe = false;           ///< its latency has passed; it still waits for those before it
  };
  struct Crash {
    std::uint64_t at = 0;
    CrashPoint point{};
    std::function<void()> crashed;
  };

  std::optional<Error> fault() const;
  std::optional<Error> read_fault() const;
  void refuse(std::function<void(Result<void>)> done, Error error);
  void ripen(std::uint64_t number);
  void become_durable(std::uint64_t number, Pending pending);

  runtime::Scheduler& scheduler_;
  StoreState state_;
  std::shared_ptr<bool> alive_;  ///< pending work holds it weakly, and does nothing once it is gone
  std::chrono::microseconds latency_ = latency_usual;
  std::uint64_t commits_ = 0;
  std::uint64_t fail_at_ = 0;
  std::optional<Crash> crash_;
  std::map<std::uint64_t, Pending> waiting_;  ///< by the number of the call
  bool full_ = false;
  bool gone_ = false;
  bool unreadable_ = false;
  bool crashed_ = false;
};

}  // namespace lobo::sim
