#pragma once
// Data storage (TS 29.548 SDD_DataStorage, TS 23.433 clause 9.5): small data inline, large ones by
// a reservation and a PUT of octets; who may do what with them; deliveries to who subscribed.

#include <cstddef>
#include <string>
#include <string_view>

#include "api/sdd_storage.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/kept.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sealdd {

inline constexpr std::string_view storage_kind = "sdd_storage";
inline constexpr std::string_view every_storage = "sdd_storage";
inline constexpr std::string_view delivery_kind = "sdd_delivery";
inline constexpr std::string_view delivery_request_kind = "sdd_delivery_request";
inline constexpr std::size_t stored_octets_max = std::size_t{32} << 20U;
inline constexpr std::size_t storages_max = 10'000;
inline constexpr std::size_t entities_counted_max = 64;      ///< in statistics of one
inline constexpr std::size_t delivery_subscribers_max = 64;  ///< of one requestor

class StorageMachine final : public resource::Machine {
 public:
  explicit StorageMachine(const Settings& settings) : settings_(settings) {}
  std::string_view kind() const override { return storage_kind; }
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  using State = api::state::sealdd::StorageState;
  Result<resource::Outcome> create(const resource::Record* current, const resource::Key& key,
                                   const resource::Command& command, Instant now,
                                   const resource::Lookup& lookup) const;
  Result<resource::Outcome> change(State state, const resource::Record& current,
                                   const resource::Command& command, Instant now) const;
  Result<resource::Outcome> fill(State state, const resource::Record& current,
                                 const resource::Command& command) const;
  Result<void> check(const api::sdd_storage::DataStoragePatch& what, Instant now) const;
  resource::Outcome kept(const State& state, const std::string& owner) const;
  static void count(State& state, const resource::Record& current, const resource::Command& command,
                    bool change);

  const Settings& settings_;
};

/// As it is shown, with its data.
std::string represent(const api::state::sealdd::StorageState& state);
/// Whether that principal may; the owner may everything.
Result<void> may(const resource::Record& record, const api::state::sealdd::StorageState& state,
                 std::string_view who, api::sdd_storage::DataAccessRightKnown right);

class DeliveryMachine final : public KeptMachine {
 public:
  explicit DeliveryMachine(const Settings& settings);

 protected:
  Result<void> check(const std::string& text, Instant now) const override;
  Result<void> check_patch(const std::string& body) const override;
  std::string subject_of(const State& state) const override;
};

/// request-del: keeps nothing; hands the data to the subscriptions of the target.
class DeliveryRequestMachine final : public resource::Machine {
 public:
  std::string_view kind() const override { return delivery_request_kind; }
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;
};

}  // namespace lobo::sealdd
