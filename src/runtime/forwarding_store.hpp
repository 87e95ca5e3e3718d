#pragma once
// A store that hands everything on to another. Whoever wants to see or bend one operation (a
// planted bug, a measurement) derives from it and writes that one only.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/ports.hpp"

namespace lobo::runtime {

class ForwardingStore : public Store {
 public:
  /// `inner` outlives this.
  explicit ForwardingStore(Store& inner) : inner_(inner) {}

  void commit(std::vector<StoreChange> unit, std::function<void(Result<void>)> done) override {
    inner_.commit(std::move(unit), std::move(done));
  }
  Result<std::optional<resource::Record>> find(const resource::Key& key) const override {
    return inner_.find(key);
  }
  Result<std::vector<resource::Record>> list(std::string_view kind, std::string_view owner,
                                             std::string_view after,
                                             std::size_t limit) const override {
    return inner_.list(kind, owner, after, limit);
  }
  Result<std::vector<resource::Key>> by_subject(std::string_view kind, std::string_view subject,
                                                std::size_t limit) const override {
    return inner_.by_subject(kind, subject, limit);
  }
  Result<std::uint64_t> count(std::string_view kind, std::string_view owner) const override {
    return inner_.count(kind, owner);
  }
  Result<std::vector<StoredEffect>> effects(std::uint64_t after, std::size_t limit) const override {
    return inner_.effects(after, limit);
  }
  Result<std::vector<StoredEffect>> effects_of(const resource::Key& from) const override {
    return inner_.effects_of(from);
  }
  Result<std::vector<StoredTimer>> timers(Instant until, std::size_t limit) const override {
    return inner_.timers(until, limit);
  }
  Result<std::optional<StoredIdempotency>> idempotency(std::string_view owner,
                                                       std::string_view key) const override {
    return inner_.idempotency(owner, key);
  }
  Result<std::optional<std::string>> fact(std::string_view name) const override {
    return inner_.fact(name);
  }

 protected:
  Store& inner() { return inner_; }

 private:
  Store& inner_;
};

}  // namespace lobo::runtime
