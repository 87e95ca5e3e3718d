#pragma once
// SDD_Transmission of TS 29.548 (TS 23.433 clauses 9.2, 9.3): subscriptions to the status of a VAL
// server's connections. What request-trans sets up is a connection (connection_trans.cpp).

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "api/sdd_transmission.hpp"
#include "api/state/sealdd.hpp"
#include "api/sync_types.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/kept.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sealdd {

inline constexpr std::string_view status_kind = "sdd_status";
inline constexpr std::size_t status_subscribers_max = 64;  ///< of one VAL server

/// "127.0.0.1|80": what two ConnInfo that mean the same have in common.
std::string text_of(const api::sync_types::ConnInfo& at);

class StatusMachine final : public KeptMachine {
 public:
  explicit StatusMachine(const Settings& settings);

 protected:
  Result<void> check(const std::string& text, Instant now) const override;
  Result<void> check_patch(const std::string& body) const override;
  std::string subject_of(const State& state) const override;
};

/// The Tell "report" where the subscription wants it.
std::optional<std::string> status_report(const resource::Record& subscription,
                                         const api::state::sealdd::ConnectionState& connection,
                                         api::sdd_transmission::ConnStatusEventKnown event,
                                         Instant now);

/// The connection that a request for transmission means: asking again means the same one.
std::string connection_of(const api::sdd_transmission::TransReq& asked, std::string_view owner);

}  // namespace lobo::sealdd
