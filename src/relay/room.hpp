#pragma once
// A room: whoever is in it may see its assets. The newest state of each asset's components is kept;
// each member has a set of those that it has not seen. Every few milliseconds each member that can
// take more gets what it is owed: a state that was replaced before its turn is never sent.
//
// Cost: a state published touches its slot and one bit. A turn touches the sets word by word, and
// each state that is due once.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "relay/bits.hpp"
#include "relay/interest.hpp"
#include "relay/limits.hpp"
#include "relay/member.hpp"
#include "relay/ports.hpp"
#include "relay/report.hpp"
#include "relay/slot.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/stream_header.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {

struct Asset {
  sdd::Alias alias = 0;
  std::string name;
  std::string ue;  ///< of who published last
  std::uint32_t ue_number = 0;
  std::size_t publishers = 0;  ///< flows
  std::optional<sdd::Position> at;
  std::vector<std::uint32_t> slots;
  std::optional<Instant> left;  ///< when the last publisher went
  bool here = false;
};

class Room {
 public:
  /// `refused` counts what is not taken of anybody.
  Room(std::string name, const Limits& limits, Links& links, Refused& refused);

  const std::string& name() const { return name_; }
  bool empty() const { return members_.empty(); }
  std::span<const std::unique_ptr<Member>> members() const { return members_; }
  std::uint64_t epoch() const { return epoch_; }
  void set_epoch(std::uint64_t epoch) { epoch_ = epoch; }
  /// Since when nobody is in it: a room that somebody owned is remembered for a while, so that the
  /// tokens of who owned it before let nobody in.
  std::optional<Instant> empty_since;
  /// A server gave it to this node: it is remembered until it is closed.
  bool owned = false;

  // ---- who is here (room_members.cpp)
  Member& join(LinkId link, std::string ue);
  void leave(Member& member, Instant now);
  /// Null where the room has no place for another asset.
  Flow* add_flow(Member& member, Flow flow, Instant now);
  void remove_flow(Member& member, sdd::FlowId flow, Instant now);
  /// After tier, masks or wishes of a member changed.
  void settle(Member& member);
  /// Everything that it may see is sent again: `components` of one asset, or of all where 0.
  void repeat(Member& member, sdd::Alias alias, sdd::ComponentMask components, Instant now);
  void place(Member& member, const sdd::Position& at);
  /// It sees so many assets only, those that are nearest to it now; 0: all.
  void look_from(Member& member, std::uint32_t nearest);
  /// The newest state of an asset, for a replica that others read.
  std::vector<Replica> replica(sdd::Alias alias);

  // ---- what is published (room_publish.cpp)
  void publish(Member& member, Flow& flow, const sdd::Frame& frame, Instant now);
  /// A whole message of R2, R3 or R4. Members that cannot be sent any more are named.
  void publish(Member& member, Flow& flow, const sdd::StreamHeader& header, Bytes payload,
               Instant now, std::vector<LinkId>& too_slow);

  // ---- what is owed (room_flush.cpp)
  /// When flush() is due; nothing where nothing is owed.
  std::optional<Instant> due() const { return due_; }
  void flush(Instant now);
  /// A member's path that was full is not any more: it need not wait for its turn.
  void resume(Member& member, Instant now);
  /// Ten times a second: repeats, choices of the nearest, rates, what nobody publishes any more.
  void keep_house(Instant now);
  /// Before the windows of publishing flows are read.
  void finish_windows();

 private:
  class Packer;

  Asset* asset_of(sdd::Alias alias);
  std::optional<std::size_t> asset_for(const Flow& flow, Instant now);
  Slot* slot_for(Asset& asset, std::size_t number, sdd::Component component, bool lossy);
  void announce(const Asset& asset, bool here, const Member* only);
  void forget(std::size_t asset);
  void unpublish(Flow& flow, Instant now);
  const Flow* view(const Member& member, const Asset& asset, std::size_t& place) const;
  void retarget(Member& member, std::size_t slot);
  void retarget(Member& member);
  void grow(Member& member);
  void map_assets();
  void choose_nearest(Member& member);
  void choose_nearest(std::size_t slice, std::size_t slices);
  std::optional<sdd::Position> standpoint(const Member& member) const;
  void wake(Instant now);

  void refuse(Flow& flow, std::uint64_t Refused::* what);
  void queue_lossy(std::size_t slot, const Member& from);
  void serve(Member& member, Instant now);
  void serve_lossy(Member& member, Packer& packer, Instant now);
  void serve_in_order(Member& member, Packer& packer, Instant now);
  void serve_urgent(Member& member, Packer& packer, Instant now);
  enum class Served : std::uint8_t { done, later, no_budget };
  Served serve_slot(Member& member, std::size_t slot, Packer& packer, Instant now);
  enum class Sent : std::uint8_t { first, again };
  void send_state(const State& state, Flow& flow, Progress& progress, Packer& packer, Sent how);
  static void note_sent(const State& state, Flow& flow, Progress& progress);
  void refill(Member& member, Instant now) const;
  void hold(Member& member, Instant now);
  void limit_rate(Member& member);

  void queue_message(Member& member, StreamMessage message, Instant now,
                     std::vector<LinkId>& too_slow);
  void serve_messages(Member& member, Instant now);
  bool send_message(Member& member, const StreamMessage& message);

  std::string name_;
  const Limits& limits_;
  Links& links_;
  Refused& refused_;
  std::uint64_t epoch_ = 0;
  std::vector<std::unique_ptr<Member>> members_;
  std::uint32_t last_ue_number_ = 0;
  std::vector<Asset> assets_;  ///< those not here have free places
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<std::uint32_t> free_slots_;
  Bits changed_;  ///< slots published since the last turn
  std::optional<Instant> due_;
  NearestGrid grid_;
  std::size_t slice_ = 0;         ///< of repeats and choices, that goes round
  std::size_t first_served_ = 0;  ///< goes round, so that nobody is always the last
  std::vector<std::uint32_t> found_;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> urgent_;
};

}  // namespace lobo::relay
