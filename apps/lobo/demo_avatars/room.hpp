#pragma once
// Files, names and figures of `lobo demo avatars`: who is in the room, what its servers are told,
// how bad the network is.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace lobo::app {

struct Person {
  std::string_view id;
  std::string_view name;
  int hue;  ///< of its colour, degrees
  bool native;
};
/// In the order of their seats.
inline constexpr std::array<Person, 6> people{{{"dora", "Dora", 335, true},
                                               {"alice", "Alice", 212, false},
                                               {"emil", "Emil", 265, true},
                                               {"bob", "Bob", 28, false},
                                               {"fenja", "Fenja", 185, true},
                                               {"carol", "Carol", 140, false}}};
inline constexpr std::string_view room_name = "hall";
inline constexpr std::string_view service_name = "xr.meet";
inline constexpr std::string_view node_name = "relay1";
std::string asset_of(std::string_view id);

/// Each way, between browsers and node.
struct Quality {
  double loss_percent = 0;
  double delay_ms = 0;
  double jitter_ms = 0;
};
/// 100 is perfect, 0 is as bad as the slider goes.
Quality quality_of(double slider);
std::string quality_text(const Quality& quality);
/// As `lobo impair` takes it.
std::string quality_json(const Quality& quality);

/// Whether an entry of the demo's folder is what an earlier one left.
bool left_by_avatars(std::string_view name);

/// A certificate that browsers take by its hash: P-256, good for less than 14 days.
Result<void> make_certificate(const std::string& folder);

std::string serve_text(const std::string& folder, std::uint16_t sealdd_port,
                       const std::string& page_origin);
std::string relay_text(const std::string& folder, std::uint16_t sealdd_port,
                       const std::string& page_origin);
/// Where a page finds whom; addresses as `lobo` says that it is ready at them.
struct Reach {
  std::string enabler, udp, udp_blocked, websocket;
};
std::string setup_text(const Reach& reach);
std::string policy_text();
/// What the policy allows, as a member of its own.
std::string thresholds_text();
/// What a UE asks the enabler for.
std::string session_text(std::string_view id);
/// What a page asks for, as a member of its own.
std::string qos_text();

}  // namespace lobo::app
