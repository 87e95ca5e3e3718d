#pragma once
// The relay of a node: links come, show a token, publish and are sent what the others publish. One
// thread, no clock, no socket: a caller hands in what came and when, calls advance() when
// next_due() says so, and carries reports and orders between this and SEALDD's server.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "relay/limits.hpp"
#include "relay/member.hpp"
#include "relay/ports.hpp"
#include "relay/report.hpp"
#include "relay/room.hpp"
#include "relay/slot.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/stream_header.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {

class Relay {
 public:
  /// `node` is what tokens must name; empty: any. Links, verifier and limits must outlive the
  /// relay.
  Relay(std::string node, Links& links, const sdd::TokenVerifier& verifier, const Limits& limits);

  // ---- what came
  void on_open(LinkId link, Instant now);
  /// Of the control stream, in pieces as they come.
  void on_control(LinkId link, Bytes bytes, Instant now);
  void on_datagram(LinkId link, Bytes datagram, Instant now);
  /// Of another stream, in its order.
  void on_stream(LinkId link, StreamNo stream, Bytes bytes, bool fin, Instant now);
  void on_stream_reset(LinkId link, StreamNo stream);
  /// Links::writable() is true again. Who is not told waits for the next turn.
  void on_writable(LinkId link, Instant now);
  void on_acked(LinkId link, std::uint64_t tag);
  void on_lost(LinkId link, std::uint64_t tag);
  void on_closed(LinkId link, Instant now);

  // ---- time
  /// Call advance() then; nothing where nothing waits.
  std::optional<Instant> next_due() const;
  void advance(Instant now);

  // ---- SEALDD's server
  /// Refused where the flow or room is not here.
  Result<void> take(const Order& order, Instant now);
  /// From now on a lease says who is let in. Without it nobody is, and who asks waits for it: a
  /// node that began anew hears of its clients sooner than of its rooms.
  void bind(const Tenure& tenure, Instant now);
  /// The lease is over: nothing is carried any more.
  void stop(Instant now);
  /// What changed and was measured since the last call.
  Reports report(Instant now);
  /// What changed, without what was measured.
  Reports changes();
  bool changed() const { return !changes_.empty(); }
  const NodeCounts& counts() const { return counts_; }

  /// What a replica of an asset is now; nothing where it is not here.
  std::vector<Replica> replica(std::string_view room, sdd::Alias alias);

  std::size_t links() const { return links_held_.size(); }
  std::size_t rooms() const { return rooms_.size(); }
  std::size_t flows() const { return flows_; }

 private:
  struct FlowRef {
    Room* room = nullptr;
    Member* member = nullptr;
    Flow* flow = nullptr;
  };
  struct StreamIn {
    std::vector<std::byte> bytes;
    std::optional<sdd::StreamHeader> header;
    bool refused = false;
  };
  struct Link {
    Instant opened{};
    Instant idle_since{};
    bool greeted = false;
    bool closing = false;
    std::size_t datagram_max = 0;
    std::string ue;
    sdd::ControlReader control;
    std::unordered_map<sdd::FlowId, FlowRef> flows;
    std::vector<Room*> rooms;
    std::map<StreamNo, StreamIn> streams;
    std::size_t stream_bytes = 0;
    std::optional<sdd::Establish> waiting;  ///< for the lease
  };

  Link* find(LinkId id);
  void close(LinkId id, Link& link, sdd::Cause cause, const char* reason, Instant now);
  void tell(LinkId id, const sdd::ControlMessage& message);

  // ---- relay_control.cpp
  void hear(LinkId id, Link& link, const sdd::Hello& hello, Instant now);
  void hear(LinkId id, Link& link, const sdd::Establish& establish, Instant now);
  void hear(LinkId id, Link& link, const sdd::Update& update, Instant now);
  void hear(LinkId id, Link& link, const sdd::Release& release, Instant now);
  void hear(LinkId id, Link& link, const sdd::FlowStats& stats, Instant now);
  void hear(LinkId id, Link& link, const sdd::ClockPing& ping, Instant now);
  void hear(LinkId id, Link& link, const sdd::StateRequest& request, Instant now);
  template <class Other>
  void hear(LinkId id, Link& link, const Other& other, Instant now);
  void tell_left_out(LinkId id, Flow& flow);
  sdd::Cause admit(const Link& link, const sdd::FlowToken& token) const;
  Room* room_for(const std::string& name);
  Member* member_for(LinkId id, Link& link, Room& room, const std::string& ue);
  sdd::EstablishedFlow let_in(LinkId id, Link& link, Room& room, const sdd::FlowToken& token,
                              const sdd::TokenFlow& claims, bool pose, Instant now);
  void renew(FlowRef& known, const sdd::FlowToken& token, const sdd::TokenFlow& claims);

  // ---- flows
  void end_flow(LinkId id, Link& link, sdd::FlowId flow, sdd::Cause cause, Instant now);
  void end_flows(LinkId id, Link& link, sdd::Cause cause, Instant now);
  void leave_empty_rooms(LinkId id, Link& link, Instant now);
  void drain(const FlowRef& flow, sdd::Cause cause, std::chrono::milliseconds time, Instant now);
  void change(const FlowRef& flow, FlowState state, sdd::Cause cause);
  void keep_house(Instant now);
  void keep_rooms(Instant now);
  void keep_link(LinkId id, Link& link, Instant now);
  Link* holder(sdd::FlowId flow, LinkId& id);

  void carry(LinkId id, Link& link, StreamNo no, StreamIn& stream, bool fin, Instant now);
  void deliver(LinkId id, Link& link, const StreamIn& stream, Bytes payload, Instant now);
  void refuse_stream(Link& link, StreamIn& stream);

  Result<void> follow(const ReleaseFlow& order, Instant now);
  Result<void> follow(const SetTier& order, Instant now);
  Result<void> follow(const SetMask& order, Instant now);
  Result<void> follow(const SetRate& order, Instant now);
  Result<void> follow(const SetRedundancy& order, Instant now);
  Result<void> follow(const Relocate& order, Instant now);
  Result<void> follow(const CloseRoom& order, Instant now);
  Result<void> follow(const FenceRoom& order, Instant now);
  void put_out(Room& room, sdd::Cause cause, std::uint64_t epochs_below, Instant now);

  std::string node_;
  Links& links_;
  const sdd::TokenVerifier& verifier_;
  const Limits& limits_;
  std::unordered_map<LinkId, Link> links_held_;
  std::map<std::string, std::unique_ptr<Room>, std::less<>> rooms_;
  std::unordered_map<sdd::FlowId, LinkId> holders_;
  std::size_t flows_ = 0;
  std::optional<Tenure> tenure_;
  std::optional<Instant> house_due_;
  std::deque<FlowChange> changes_;
  std::uint64_t changes_lost_ = 0;
  NodeCounts counts_;
  std::vector<LinkId> too_slow_;
};

}  // namespace lobo::relay
