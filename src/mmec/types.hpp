#pragma once
// What the enabler's client is told, and what it tells: plain values.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::mmec {

inline constexpr std::size_t wanted_max = 64;  ///< assets that one client asks for
inline constexpr std::size_t certificate_bytes = 32;

/// A relay node, and how it is known: by the SHA-256 of its certificate, else by a CA.
struct Place {
  std::string host;  ///< an address
  std::uint16_t port = 0;
  std::optional<std::array<std::uint8_t, certificate_bytes>> certificate;
  std::string from;  ///< an address of ours to leave from; empty: any
  bool operator==(const Place&) const = default;
};

/// What lets a UE in: a token, and the node that takes it. What the token says is read and not
/// verified; that is for the node.
struct Grant {
  std::vector<std::byte> token;
  sdd::FlowToken claims;
  Place at;
};
Result<Grant> read_grant(std::vector<std::byte> token, Place at);

/// An asset of this UE, as it is asked for.
struct Wanted {
  std::string asset;  ///< a URI
  std::string asset_class;
  sdd::Direction direction = sdd::Direction::bidi;
  sdd::FlowClass reliability = sdd::FlowClass::newest;
  std::optional<double> rate_hz;
  std::optional<sdd::ComponentMask> components;
};

struct Settings {
  std::string name = "mmec";  ///< of the program, for people

  // A session of the enabler …
  std::string api_root;         ///< "http://127.0.0.67:7777"; empty: there is no enabler
  std::string authorization;    ///< a bearer token; empty: none
  std::string session;          ///< join this one; empty: ask for one
  std::string idempotency_key;  ///< who has the same one gets the same session; empty: one is made
  std::string service = "lobo";
  std::string requester;  ///< empty: the UE
  std::string ue;
  std::string room;  ///< empty: that of the session
  std::vector<Wanted> assets;
  bool policies = true;  ///< fetch them, and ask for nothing that they refuse

  // … or a room of which somebody has told us.
  std::optional<Grant> grant;

  /// Where the node is reached, if not where it is said to be.
  std::optional<Place> through;
  /// Another way to the node, for flows that go twice (+D): from another address of ours, or to
  /// another place; an empty host means the same as the first way's.
  std::optional<Place> second;
  /// Components are those of the pose codec: the node may choose the nearest.
  bool poses = false;
};

enum class Phase : std::uint8_t {
  idle,        ///< not begun
  asking,      ///< the enabler
  connecting,  ///< to the node
  up,
  waiting,  ///< before the next attempt
  leaving,
  ended,
};
constexpr std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::idle: return "idle";
    case Phase::asking: return "asking";
    case Phase::connecting: return "connecting";
    case Phase::up: return "up";
    case Phase::waiting: return "waiting";
    case Phase::leaving: return "leaving";
    case Phase::ended: return "ended";
  }
  std::abort();
}

enum class EventKind : std::uint8_t {
  up,          ///< flows are let in; the states of others follow
  down,        ///< `detail` says why; it comes back by itself unless `ended` follows
  asset_here,  ///< before the first state of an asset
  asset_gone,
  tier,          ///< what the node gives and takes of `flow` from now on
  token_wanted,  ///< no enabler to ask, and the token will end soon: Session::use()
  relocating,    ///< to another node; states go on meanwhile
  refused,       ///< a flow, a state or a request; `error` says what and where
  ended,         ///< the last one
};
constexpr std::string_view to_string(EventKind kind) {
  switch (kind) {
    case EventKind::up: return "up";
    case EventKind::down: return "down";
    case EventKind::asset_here: return "asset_here";
    case EventKind::asset_gone: return "asset_gone";
    case EventKind::tier: return "tier";
    case EventKind::token_wanted: return "token_wanted";
    case EventKind::relocating: return "relocating";
    case EventKind::refused: return "refused";
    case EventKind::ended: return "ended";
  }
  std::abort();
}

struct Event {
  EventKind kind{};
  sdd::FlowId flow = 0;  ///< 0: of no flow in particular
  sdd::Alias alias = 0;
  std::string asset;
  std::string ue;
  std::uint8_t tier = 0;
  sdd::TierReason reason{};
  std::uint32_t rate_mhz = 0;  ///< states of a component in 1,000 s; 0: as they come
  sdd::ComponentMask components = sdd::all_components;
  std::optional<Error> error;
};

/// A state of somebody's asset. What it points to is borrowed for the call.
struct State {
  std::string_view asset;
  std::string_view ue;
  sdd::FlowId flow = 0;
  sdd::Alias alias = 0;
  sdd::Component component = 0;
  sdd::FlowClass reliability{};
  sdd::Sequence seq = 0;
  std::optional<sdd::Sequence> base;  ///< a delta, on the key frame of this sequence
  Bytes payload;
  std::optional<std::chrono::microseconds> age;  ///< where the clock of the node is known
};

}  // namespace lobo::mmec
