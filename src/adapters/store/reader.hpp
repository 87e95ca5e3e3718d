#pragma once
// The reading side: a read-only connection with its statements prepared, used by the loop's thread.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/store/database.hpp"
#include "runtime/ports.hpp"

namespace lobo::adapters::store {

class Reader {
 public:
  static Result<std::unique_ptr<Reader>> prepare(Database database);

  Result<std::optional<resource::Record>> find(const resource::Key& key);
  Result<std::vector<resource::Record>> list(std::string_view kind, std::string_view owner,
                                             std::string_view after, std::size_t limit);
  Result<std::vector<resource::Key>> by_subject(std::string_view kind, std::string_view subject,
                                                std::size_t limit);
  Result<std::uint64_t> count(std::string_view kind, std::string_view owner);
  Result<std::vector<runtime::StoredEffect>> effects(std::uint64_t after, std::size_t limit);
  Result<std::vector<runtime::StoredEffect>> effects_of(const resource::Key& from);
  Result<std::vector<runtime::StoredTimer>> timers(Instant until, std::size_t limit);
  Result<std::optional<runtime::StoredIdempotency>> idempotency(std::string_view owner,
                                                                std::string_view key);
  Result<std::optional<std::string>> fact(std::string_view name);

 private:
  explicit Reader(Database database) : database_(std::move(database)) {}

  template <class Row>
  auto all(Use& use, Row row) -> Result<std::vector<decltype(row(use))>>;
  template <class Row>
  auto one(Use& use, Row row) -> Result<std::optional<decltype(row(use))>>;

  Database database_;
  Statement find_record_, list_records_, records_by_subject_, count_records_, effects_after_,
      effects_of_, timers_until_, find_idempotency_, find_fact_;
};

}  // namespace lobo::adapters::store
