#pragma once
// A copy of a session that a request is being applied to; see apply.hpp. The first fault ends it.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/rules/apply.hpp"
#include "dataplane/rules/session.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {

using Fault = std::optional<RuleRefusal>;

class Draft {
 public:
  explicit Draft(Session session) : session_(std::move(session)) {}

  Fault remove(const pfcp::RemovePdr& rule);
  Fault remove(const pfcp::RemoveFar& rule);
  Fault remove(const pfcp::RemoveUrr& rule);
  Fault remove(const pfcp::RemoveQer& rule);
  Fault remove(const pfcp::RemoveSrr& rule);
  Fault remove(const pfcp::RemoveBar& rule);

  Fault create(const pfcp::CreatePdr& rule);
  Fault create(const pfcp::CreateFar& rule);
  Fault create(const pfcp::CreateUrr& rule);
  Fault create(const pfcp::CreateQer& rule);
  Fault create(const pfcp::Srr& rule);
  Fault create(const pfcp::Bar& rule);

  Fault update(const pfcp::UpdatePdr& rule);
  Fault update(const pfcp::UpdateFar& rule);
  Fault update(const pfcp::UpdateUrr& rule);
  Fault update(const pfcp::UpdateQer& rule);
  Fault update(const pfcp::Srr& rule);
  Fault update(const pfcp::Bar& rule);

  /// What holds of a session only when all of a request is in it: references, and filters that are
  /// named by their identifier.
  Fault settle();
  /// After settle(): gives each PDR the tunnel that was asked for, and tells which.
  Fault choose_tunnels(Tunnels& tunnels, std::vector<pfcp::CreatedPdr>& created);

  const Session& session() const { return session_; }
  Session take() { return std::move(session_); }

 private:
  struct Wish {
    pfcp::PdrId pdr;
    pfcp::FTeidChoice choice;
  };
  struct NamedFilter {
    pfcp::PdrId pdr;
    std::size_t place;  ///< among its filters
  };

  Fault take_pdi(pfcp::PdrId id, const pfcp::Pdi& pdi, Pdr& pdr);
  Fault take_filter(pfcp::PdrId id, const pfcp::SdfFilter& filter, Pdr& pdr);

  Session session_;
  std::vector<Wish> wishes_;
  std::vector<NamedFilter> named_;
};

}  // namespace lobo::dataplane
