#pragma once
// Requests of a control plane applied to a session (TS 29.244 clauses 7.5.2, 7.5.4): all of a
// request or none of it. Nothing is changed in place, so a session whose modification was refused
// is the one that it was.

#include <cstdint>
#include <optional>
#include <tl/expected.hpp>
#include <vector>

#include "dataplane/rules/session.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {

/// Where F-TEIDs come from that the UPF is asked to choose.
struct Tunnels {
  virtual ~Tunnels() = default;
  /// A new one with these addresses; nothing where there is none left, or no such address.
  virtual std::optional<pfcp::FTeid> allocate(bool v4, bool v6) = 0;
  virtual void release(const pfcp::FTeid& tunnel) = 0;
};

struct RuleRefusal {
  pfcp::Refusal refusal;
  std::optional<pfcp::FailedRuleId> failed;  ///< of cause 73: which rule
  bool operator==(const RuleRefusal&) const = default;
};

struct Applied {
  Session session;
  std::vector<pfcp::CreatedPdr> created;  ///< what the response tells: tunnels that were chosen
  std::vector<pfcp::FTeid> freed;  ///< ours, and in no PDR any more: the caller releases them
};

/// Tunnels are allocated last, when all else holds; a refusal keeps none.
tl::expected<Applied, RuleRefusal> establish(std::uint64_t seid,
                                             const pfcp::SessionEstablishmentRequest& request,
                                             const pfcp::Remarks& remarks, Tunnels& tunnels);

/// In this order, wherever they stand in the message: removals, creations, updates. A rule that
/// another one still refers to cannot go; a rule cannot be created twice, or changed before it is
/// there.
tl::expected<Applied, RuleRefusal> modify(const Session& session,
                                          const pfcp::SessionModificationRequest& request,
                                          const pfcp::Remarks& remarks, Tunnels& tunnels);

/// The tunnels of a session that ends.
std::vector<pfcp::FTeid> own_tunnels(const Session& session);

}  // namespace lobo::dataplane
