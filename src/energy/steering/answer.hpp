#pragma once
// The answer to one player: where to get its media from, in which order, and when to ask again. The
// same for the same plan, token and second, on every replica. What makes players give up is never
// answered: there is an answer to every request, it names at least one location, and its token is
// fresh.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "energy/steering/plan_table.hpp"
#include "energy/steering/query.hpp"
#include "energy/steering/token.hpp"

namespace lobo::energy::steering {

struct SteeringSettings {
  std::chrono::seconds demoted_for{300};       ///< a location that failed a session
  std::chrono::seconds token_life{24 * 3600};  ///< much more than any TTL
  std::chrono::seconds pending_ttl{8};         ///< where a move is still to come
  double jitter = 0.2;                         ///< share of the TTL, to both sides
  bool operator==(const SteeringSettings&) const = default;
};

/// A location that the manifest does not name (PATHWAY-CLONES).
struct Clone {
  std::string base_id;  ///< one that it names, on the same scheme, port and path
  std::string id;
  std::string host;
  bool operator==(const Clone&) const = default;
};

enum class TokenFate : std::uint8_t {
  none,  ///< a first request
  good,
  expired,  ///< the session goes on
  foreign,  ///< a new session begins
};

struct Answer {
  std::chrono::seconds ttl{};
  std::vector<std::string> priority;
  std::vector<Clone> clones;
  std::string token;
  std::string group;
  TokenFate fate{};
  bool move_pending = false;        ///< by the end of the plan's release it will be elsewhere
  bool demoted = false;             ///< a location failed it since it asked last
  bool held = false;                ///< the plan is not valid any more: it stays where it is
  std::uint64_t session = 0;        ///< the hash by which its locations are drawn
  std::vector<std::string> failed;  ///< which locations failed it since it asked last
  bool operator==(const Answer&) const = default;
};

/// `fresh_session` names the session where the request does not. `stretch`, at least 1, lengthens
/// the TTL: how load is shed, because a refusal would end steering for good.
Answer answer(const PlanTable& plan, const SteeringQuery& asked, Instant now, const TokenMac& mac,
              std::uint64_t fresh_session, double stretch, const SteeringSettings& settings);

/// The steering manifest. `path` is where the player asks again, with token and manifest's list.
std::string write_answer(const Answer& answer, std::string_view path,
                         const std::vector<std::string>& manifest);

}  // namespace lobo::energy::steering
