#pragma once
// runtime::Store on one SQLite file: write-ahead log, synchronous=FULL, one writer thread with
// group commit, reads on the loop's thread by a connection of their own. One process per file.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "runtime/ports.hpp"

namespace lobo::adapters::store {

struct SqliteOptions {
  std::string file;
  std::uint64_t file_bytes_max = 0;  ///< units are refused beyond it; 0: what the disk holds
  std::string vfs{};                 ///< a registered SQLite VFS; empty: the default one
};

class SqliteStore final : public runtime::Store {
 public:
  /// Opens or creates the file and migrates it to the newest schema. Blocks: for start-up only.
  /// `scheduler` gets the completions and must outlive the store. `metrics` may be null.
  static Result<std::unique_ptr<SqliteStore>> open(const SqliteOptions& options,
                                                   runtime::Scheduler& scheduler,
                                                   runtime::Metrics* metrics = nullptr);
  /// Makes durable what was handed to commit(); the completions are posted.
  ~SqliteStore() override;

  void commit(std::vector<runtime::StoreChange> unit,
              std::function<void(Result<void>)> done) override;

  /// Whether the last transaction could not be written: the disk is full, broken or gone.
  bool failing() const;

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
  static Result<std::unique_ptr<SqliteStore>> open_files(const SqliteOptions& options,
                                                         runtime::Scheduler& scheduler,
                                                         runtime::Metrics* metrics);
  struct Parts;  ///< keeps SQLite and the threads out of this header
  explicit SqliteStore(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace lobo::adapters::store
