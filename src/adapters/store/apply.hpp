#pragma once
// From changes to statements: what the writer runs inside its transaction.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/store/database.hpp"
#include "runtime/ports.hpp"

namespace lobo::adapters::store {

/// What a unit weighs in the queue: its strings, and a little for the rest.
std::size_t bytes_of(const std::vector<runtime::StoreChange>& unit);

/// Errc::out_of_range for a number that SQL's BIGINT cannot hold.
Result<void> check(const std::vector<runtime::StoreChange>& unit);

class Applier {
 public:
  static Result<Applier> prepare(Database& database);

  /// A transaction is begin(), apply() of each unit, commit(). False where a statement failed: the
  /// database then knows why, and the caller rolls back and calls forget().
  bool begin();
  bool apply(const std::vector<runtime::StoreChange>& unit);
  bool commit();
  void forget() { tallies_.clear(); }

 private:
  explicit Applier(Database& database) : database_(&database) {}

  bool apply(const runtime::PutRecord& change);
  bool apply(const runtime::EraseRecord& change);
  bool apply(const runtime::PutEffect& change);
  bool apply(const runtime::EraseEffect& change);
  bool apply(const runtime::PutTimer& change);
  bool apply(const runtime::EraseTimer& change);
  bool apply(const runtime::EraseTimersOf& change);
  bool apply(const runtime::PutIdempotency& change);
  bool apply(const runtime::EraseIdempotency& change);
  bool apply(const runtime::EraseIdempotencyBefore& change);
  bool apply(const runtime::PutFact& change);

  enum class Touched : std::uint8_t { failed, none, some };
  Touched write(Statement& statement, const resource::Record& record);
  bool put_in_general(const resource::Record& record);
  bool write_tallies();
  void tally(const std::string& kind, const std::string& owner, std::int64_t records);

  Database* database_;
  std::map<std::pair<std::string, std::string>, std::int64_t> tallies_;  ///< of this transaction

  struct Statements {
    Statement begin, commit;
    Statement insert_record, update_record, update_record_and_owner, owner_of_record, erase_record;
    Statement add_to_tally, drop_empty_tally;
    Statement put_effect, erase_effect;
    Statement put_timer, erase_timer, erase_timers_of;
    Statement put_idempotency, erase_idempotency, erase_idempotency_before;
    Statement put_fact;
  } sql_;
};

}  // namespace lobo::adapters::store
