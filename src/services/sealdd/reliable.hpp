#pragma once
// What NRM holds for the two paths of a connection (TS 23.434 clause 14.3.10.2, T65 and T66): kind
// "sdd_reliable", by the name of the connection. It outlives the connection, until NRM has said
// that nothing is held any more.
//
// After each event one function, plan(), compares what is wanted with what NRM has confirmed:
// - One call at most is under way.
// - An identifier that NRM gave stays until it has said that it is gone (2xx or 404).
// - While one may exist that nobody has named, the same request is repeated with the same
//   Idempotency-Key until it is named; only then is it kept or released.
// T65 knows no change: where a connection goes to another node, what was held is given back first.

#include <optional>
#include <string>
#include <string_view>

#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sealdd {

inline constexpr std::string_view reliable_kind = "sdd_reliable";

class ReliableMachine final : public resource::Machine {
 public:
  explicit ReliableMachine(const Settings& settings) : settings_(settings) {}

  std::string_view kind() const override { return reliable_kind; }
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  const Settings& settings_;
};

/// The body of T65 for a connection: what its UE sends to the one address and to the other goes two
/// ways. Nothing where packets go once, or where a node has one address only: what is the same
/// cannot be sent two ways.
std::optional<std::string> reliable_body(const api::state::sealdd::ConnectionState& connection);

}  // namespace lobo::sealdd
