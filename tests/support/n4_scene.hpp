#pragma once
// An agent of N4 and control planes around it, in one thread, with time in the test's hand.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/require.hpp"
#include "base/rng.hpp"
#include "dataplane/n4/agent.hpp"
#include "dataplane/n4/config.hpp"
#include "dataplane/n4/types.hpp"
#include "dataplane/rules/rule_set.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "model/address.hpp"
#include "support/n4_control_plane.hpp"
#include "wire/packet/flow.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::test {

inline dataplane::n4::N4Config n4_config() {
  return {.node_id = "upf.lobodon",
          .n4_v4 = model::Ipv4Address::parse("192.0.2.100"),
          .n3_v4 = model::Ipv4Address::parse("198.51.100.1")};
}

class N4Scene {
 public:
  explicit N4Scene(dataplane::n4::N4Config config = n4_config(), std::uint64_t seed = 1)
      : rng_(seed), agent(std::move(config), rng_, now) {}

  /// Sends, and gives what came back to it; what was not asked for waits in `told`.
  std::vector<dataplane::n4::Datagram> send(const dataplane::n4::Endpoint& from, Bytes datagram) {
    agent.receive(from, datagram, now);
    return take();
  }
  template <class Response>
  std::optional<Came<Response>> ask(const dataplane::n4::Endpoint& from, Bytes datagram) {
    std::optional<Came<Response>> found;
    for (const auto& sent : send(from, datagram)) {
      auto came = read_as<Response>(sent.bytes);
      if (came && !found && sent.to == from) {
        found = came;
      } else {
        told.push_back(sent);
      }
    }
    return found;
  }
  template <class Response>
  std::optional<Came<Response>> ask(const ControlPlane& from, Bytes datagram) {
    return ask<Response>(from.at(), datagram);
  }
  void associate(ControlPlane& control) {
    const auto came = ask<pfcp::AssociationSetupResponse>(control, control.association());
    require(came && came->message.cause == pfcp::Cause::request_accepted);
  }
  /// Of a session that is accepted: our SEID.
  std::uint64_t establish(ControlPlane& control, const N4Rules& rules, std::uint64_t seid) {
    const auto came =
        ask<pfcp::SessionEstablishmentResponse>(control, control.establishment(rules, seid));
    require(came && came->message.cause == pfcp::Cause::request_accepted);
    return came->message.up_f_seid->seid;
  }
  std::optional<Came<pfcp::SessionModificationResponse>> modify(ControlPlane& control,
                                                                const N4Rules& rules,
                                                                std::uint64_t seid) {
    return ask<pfcp::SessionModificationResponse>(control,
                                                  control.request(rules.modification(), seid));
  }
  std::optional<Came<pfcp::SessionDeletionResponse>> remove(ControlPlane& control,
                                                            std::uint64_t seid) {
    return ask<pfcp::SessionDeletionResponse>(
        control, control.request(pfcp::SessionDeletionRequest{}, seid));
  }
  /// Time passes, in the steps that the agent wants, and what it sends waits in `told`.
  void pass(std::chrono::microseconds time) {
    const Instant end = now + time;
    constexpr int steps_max = 100'000;
    for (int step = 0; step < steps_max; ++step) {
      const auto next = agent.next_call();
      if (!next || *next > end) break;
      now = std::max(now, *next);
      agent.advance(now);
      for (auto& sent : take()) told.push_back(std::move(sent));
    }
    now = end;
    agent.advance(now);
    for (auto& sent : take()) told.push_back(std::move(sent));
  }
  void tell(const dataplane::WorkerEvent& event) {
    agent.handle(event, now);
    for (auto& sent : take()) told.push_back(std::move(sent));
  }
  /// The next message of this kind that was told, others before it are passed over.
  template <class Message>
  std::optional<Came<Message>> heard() {
    while (!told.empty()) {
      const auto sent = told.front();
      told.pop_front();
      if (auto came = read_as<Message>(sent.bytes)) return came;
    }
    return std::nullopt;
  }
  /// A report is answered.
  void accept(const ControlPlane& control, const pfcp::Envelope& report, std::uint64_t seid,
              pfcp::Cause cause = pfcp::Cause::request_accepted) {
    const auto answer =
        ControlPlane::bytes({.seid = seid, .sequence_number = report.sequence_number},
                            pfcp::SessionReportResponse{.cause = cause});
    for (auto& sent : send(control.at(), answer)) told.push_back(std::move(sent));
  }
  /// The PDR that a packet to a UE is for; 0 where there is none.
  std::uint16_t pdr_to(std::uint32_t ue) {
    if (auto fresh = agent.take_rules()) published = fresh;
    dataplane::PacketFacts packet;
    packet.flow =
        packet::flow_between(*model::Ipv4Address::parse("203.0.113.9"), 5004, ue_v4(ue), 40000);
    const auto found = published->classify(packet);
    return found.rule == nullptr ? std::uint16_t{0} : found.rule->id.value;
  }
  dataplane::UsageMeter& meter(std::uint64_t seid, std::uint32_t ue, std::uint32_t urr) {
    (void)pdr_to(ue);
    dataplane::PacketFacts packet;
    packet.flow =
        packet::flow_between(*model::Ipv4Address::parse("203.0.113.9"), 5004, ue_v4(ue), 40000);
    const auto found = published->classify(packet);
    require(found.session != nullptr && found.session->seid() == seid);
    auto* meter = found.session->meter({urr});
    require(meter != nullptr);
    return *meter;
  }
  std::uint64_t now_ns() const {
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(now.time_since_epoch()).count());
  }

  Instant now{std::chrono::hours{24 * 365 * 56}};

 private:
  SeededRng rng_;

  std::vector<dataplane::n4::Datagram> take() { return agent.take_datagrams(); }

 public:
  dataplane::n4::N4Agent agent;
  std::deque<dataplane::n4::Datagram> told;
  std::shared_ptr<const dataplane::RuleSet> published = std::make_shared<dataplane::RuleSet>();
};

}  // namespace lobo::test
