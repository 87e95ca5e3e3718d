#pragma once
// A synchronisation session (steps 1 to 8): kind "mm_session", one record with what it holds at
// SEALDD.
//
// After each event one function, plan(), compares what is wanted of SEALDD with what it has
// confirmed, and asks for the first difference of each UE; there is no other way to make a call. So
// a session that ends, a policy that is edited, a window that closes and a SEALDD that was down all
// come to the same thing, and nothing that SEALDD made is ever forgotten:
// - Each UE has at most one call under way.
// - An identifier that SEALDD gave stays until it has said that it is gone (2xx or 404).
// - While a connection may exist that nobody has named, the same request is repeated with the same
//   Idempotency-Key until it is named; only then is it changed or released.

#include <string_view>

#include "services/metaverse/policy_book.hpp"
#include "services/metaverse/ports.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::metaverse {

inline constexpr std::string_view session_kind = "mm_session";
/// The subject of each live session. One that is over has none.
inline constexpr std::string_view every_session = "mm_session";

class SessionMachine final : public resource::Machine {
 public:
  /// Both outlive it.
  SessionMachine(const Settings& settings, const PolicyBook& policies)
      : settings_(settings), policies_(policies) {}

  std::string_view kind() const override { return session_kind; }
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  const Settings& settings_;
  const PolicyBook& policies_;
};

}  // namespace lobo::metaverse
