#pragma once
// Messages of the control stream: the length as a varint, then a CBOR map. Key 0 is the message's
// kind, the others its members (docs/sdd.md). What a later version adds is passed over; members
// that are not told keep the value that stands here.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::sdd {

inline constexpr std::uint32_t protocol_version = 1;
inline constexpr std::size_t control_message_bytes_max = std::size_t{16} * 1024;
inline constexpr std::size_t control_text_bytes_max = 512;
inline constexpr std::size_t control_list_max = 256;
inline constexpr std::size_t histogram_pairs_max = 336;  ///< buckets of a histogram (relay/measure)

/// A position for the choice of the nearest, in millimetres of the room.
struct Position {
  std::int32_t x = 0;
  std::int32_t y = 0;
  std::int32_t z = 0;
  bool operator==(const Position&) const = default;
};

/// The first message of either end.
struct Hello {
  std::uint32_t version = protocol_version;
  Role role = Role::client;
  std::string name;  ///< of the node or the program, for people
  std::uint32_t datagram_max = 1150;
  bool operator==(const Hello&) const = default;
};

/// Lets flows of a token in. Said again with a later token, it renews what is there.
struct Establish {
  std::uint32_t request = 0;
  std::vector<std::byte> token;
  std::vector<FlowId> flows;       ///< empty: all that the token names
  std::vector<FlowId> pose_flows;  ///< whose components are those of the pose codec
  bool operator==(const Establish&) const = default;
};

/// Why a flow was let in or was not.
enum class Cause : std::uint8_t {
  ok = 0,
  token_malformed = 1,
  token_refused = 2,  ///< signature, key, expiry
  token_other_node = 3,
  token_other_ue = 4,  ///< than the one that the connection has
  flow_unknown = 5,    ///< the token does not name it
  room_closed = 6,
  epoch_old = 7,  ///< another node owns the room by now
  too_many = 8,   ///< links, flows or assets of this node
  released = 9,   ///< an order, or the far end
  idle = 10,
  too_slow = 11,  ///< does not read what it asked for
  protocol = 12,  ///< said what may not be said
  relocated = 13,
  shut_down = 14,
};
inline constexpr std::uint64_t cause_max = 14;
std::string_view to_string(Cause cause);

struct EstablishedFlow {
  FlowId flow = 0;
  Alias alias = 0;
  Cause cause = Cause::ok;
  std::uint8_t tier = 0;
  bool operator==(const EstablishedFlow&) const = default;
};
struct EstablishRsp {
  std::uint32_t request = 0;
  Cause cause = Cause::ok;
  std::string reason;  ///< for people
  std::vector<EstablishedFlow> flows;
  bool operator==(const EstablishRsp&) const = default;
};

/// One asset that a receiver wants, or with priority 0 does not want.
struct Wish {
  Alias alias = 0;
  std::uint8_t priority = 0;
  bool operator==(const Wish&) const = default;
};
/// What a receiver wants of what it may have. Each member that is told replaces what held before.
struct Update {
  FlowId flow = 0;
  std::optional<ComponentMask> components;
  std::optional<std::uint32_t> nearest;  ///< of so many assets only; 0: of all
  std::optional<std::vector<Wish>> wishes;
  std::optional<std::uint64_t> bps_max;   ///< of this connection; 0: no limit of its own
  std::optional<Position> position;       ///< where it looks from, where no pose tells
  std::optional<std::uint32_t> rate_mhz;  ///< no more often than this; 0: as the tier says
  bool operator==(const Update&) const = default;
};

/// Flows end; none named: all.
struct Release {
  std::vector<FlowId> flows;
  Cause cause = Cause::released;
  bool operator==(const Release&) const = default;
};

/// What a receiver measured since it said so last. Histograms are sparse: pairs of a bucket's
/// number, as a step from the one before, and its count.
struct FlowStats {
  FlowId flow = 0;
  std::uint32_t window_ms = 0;
  std::uint64_t received = 0;  ///< states
  std::uint64_t bytes = 0;
  std::uint64_t lost = 0;        ///< by gaps of sequences
  std::uint64_t duplicates = 0;  ///< eliminated
  std::uint64_t stale = 0;       ///< came later than their time to live
  std::uint32_t jitter_us = 0;
  std::uint32_t clock_error_us = 0;  ///< bound of the error of its clock's offset
  std::vector<std::uint32_t> delay;  ///< histogram, microseconds
  std::vector<std::uint32_t> age;    ///< histogram, microseconds
  std::vector<std::uint32_t> gap;    ///< histogram, microseconds between updates
  bool operator==(const FlowStats&) const = default;
};

struct ClockPing {
  std::uint32_t id = 0;
  std::uint64_t sent_us = 0;  ///< by the clock of who asks
  bool operator==(const ClockPing&) const = default;
};
struct ClockPong {
  std::uint32_t id = 0;
  std::uint64_t ping_sent_us = 0;
  std::uint64_t ping_received_us = 0;  ///< by the clock of who answers
  std::uint64_t sent_us = 0;
  bool operator==(const ClockPong&) const = default;
};

enum class EventKind : std::uint8_t {
  asset_here = 1,  ///< alias, asset, ue: it can be seen from now on, its sequences begin anew
  asset_gone = 2,
  relocate = 3,  ///< address, token: go there; this connection stays for a moment
  refused = 4,   ///< flow, cause: what was published or asked for was not taken
};
inline constexpr std::uint64_t event_kind_min = 1;
inline constexpr std::uint64_t event_kind_max = 4;

struct Event {
  EventKind kind = EventKind::asset_here;
  FlowId flow = 0;
  Alias alias = 0;
  std::string asset;
  std::string ue;
  Cause cause = Cause::ok;
  std::string address;  ///< host:port
  std::vector<std::byte> token;
  std::string certificate_hash;  ///< SHA-256, base64
  bool operator==(const Event&) const = default;
};

enum class TierReason : std::uint8_t {
  ordered = 0,
  loss = 1,
  delay = 2,
  bandwidth = 3,
  restored = 4
};
inline constexpr std::uint64_t tier_reason_max = 4;
std::string_view to_string(TierReason reason);

struct Tier {
  FlowId flow = 0;
  std::uint8_t tier = 0;
  TierReason reason = TierReason::ordered;
  std::uint32_t rate_mhz = 0;
  ComponentMask components = all_components;
  bool operator==(const Tier&) const = default;
};

/// Send the newest state of this again, as key frames.
struct StateRequest {
  FlowId flow = 0;
  Alias alias = 0;  ///< 0: of all assets
  ComponentMask components = all_components;
  bool operator==(const StateRequest&) const = default;
};

/// Of what a receiver found missing, what the node had and did not send it: a later state came
/// before its turn, its tier is lower, it wanted none. The answer to FlowStats that miss something,
/// of what was left out since the last one.
struct LeftOutOf {
  Alias alias = 0;
  std::uint32_t states = 0;
  bool operator==(const LeftOutOf&) const = default;
};
struct LeftOut {
  FlowId flow = 0;
  std::vector<LeftOutOf> assets;
  bool operator==(const LeftOut&) const = default;
};

using ControlMessage = std::variant<Hello, Establish, EstablishRsp, Update, Release, FlowStats,
                                    ClockPing, ClockPong, Event, Tier, StateRequest, LeftOut>;

/// With its length in front; fits control_message_bytes_max where the members are within theirs.
std::vector<std::byte> write_control(const ControlMessage& message);

/// One message without its length.
Result<ControlMessage> read_control(Bytes message);

/// Messages out of a stream as it comes in pieces. Holds one unfinished message at most.
class ControlReader {
 public:
  /// The next whole message, from what is left of `in`; nothing where more is needed. An error is
  /// final: the stream cannot be read from there.
  Result<std::optional<ControlMessage>> next(Bytes& in);

 private:
  std::vector<std::byte> held_;
  bool broken_ = false;
};

}  // namespace lobo::sdd
