#pragma once
// Random PFCP messages that say what a message may say: for properties and for readers that are not
// ours. Lists live as long as the maker.

#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include "base/rng.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"

namespace lobo::test {

class AnyPfcp {
 public:
  explicit AnyPfcp(std::uint64_t seed) : rng_(seed) {}

  template <class Message>
  Message message();
  pfcp::Envelope envelope(pfcp::MessageType type);
  std::uint64_t below(std::uint64_t bound) { return rng_.below(bound); }

 private:
  class Filler;

  SeededRng rng_;
  std::deque<std::shared_ptr<void>> kept_;
};

/// Calls `use` with each kind of message in turn: use.template operator()<Message>().
template <class Use>
void each_pfcp_message(Use&& use) {
  use.template operator()<pfcp::HeartbeatRequest>();
  use.template operator()<pfcp::HeartbeatResponse>();
  use.template operator()<pfcp::AssociationSetupRequest>();
  use.template operator()<pfcp::AssociationSetupResponse>();
  use.template operator()<pfcp::AssociationUpdateRequest>();
  use.template operator()<pfcp::AssociationUpdateResponse>();
  use.template operator()<pfcp::AssociationReleaseRequest>();
  use.template operator()<pfcp::AssociationReleaseResponse>();
  use.template operator()<pfcp::PfdManagementResponse>();
  use.template operator()<pfcp::SessionSetDeletionResponse>();
  use.template operator()<pfcp::SessionSetModificationResponse>();
  use.template operator()<pfcp::SessionEstablishmentRequest>();
  use.template operator()<pfcp::SessionEstablishmentResponse>();
  use.template operator()<pfcp::SessionModificationRequest>();
  use.template operator()<pfcp::SessionModificationResponse>();
  use.template operator()<pfcp::SessionDeletionRequest>();
  use.template operator()<pfcp::SessionDeletionResponse>();
  use.template operator()<pfcp::SessionReportRequest>();
  use.template operator()<pfcp::SessionReportResponse>();
}

}  // namespace lobo::test
