#pragma once
// What the SEALDD server needs from outside: what the operator configured, who signs tokens, and
// who hands out what has to be unique among resources that are decided on at the same time.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/sdd_relay.hpp"
#include "api/sync_types.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "wire/http/ssrf.hpp"
#include "wire/sdd/token.hpp"

namespace lobo::sealdd {

/// Where each API begins below the API root, as the documents of api/ have it.
inline constexpr std::string_view trans_root = "/sdd-trans/v1";
inline constexpr std::string_view relay_root = "/sdd-rly/v1";
inline constexpr std::string_view das_root = "/sdd-das/v1";

/// The enabler that resolves sessions which come here first (TR 23.700-21 NOTE 2).
inline constexpr std::string_view mmes_peer = "mmes";
/// Who has the network keep two paths apart (TS 23.434 T65).
inline constexpr std::string_view nrm_peer = "nrm";

struct Settings {
  std::string api_root;                    ///< by which applications, enablers and nodes reach us
  http::SinkPolicy sinks;                  ///< where notifications may go
  std::chrono::milliseconds lease{3000};   ///< of a relay node; it renews each third of it
  std::chrono::milliseconds drain{1000};   ///< a released flow goes on for so long
  std::chrono::milliseconds settle{5000};  ///< clients of a node that began anew come back
  std::chrono::seconds token_life{600};    ///< then a new one is made and told
  std::chrono::seconds connection_life{86400};        ///< where no expTime is asked for
  std::chrono::seconds subscription_life{7 * 86400};  ///< and of a policy configuration
  std::vector<api::sdd_relay::TokenKey> token_keys;   ///< what nodes are to believe
  bool mmes = false;                                  ///< whether there is an enabler to ask
  bool nrm = false;                                   ///< whether there is an NRM to ask
  std::chrono::milliseconds answer_within{5000};      ///< to a create that waits for a peer
  std::chrono::milliseconds call_deadline{4000};      ///< of one call to a peer
  std::chrono::seconds look_every{30};  ///< at what NRM holds: whether the network still does
  std::chrono::milliseconds retry_first{1000};
  std::chrono::milliseconds retry_max{60'000};
  std::chrono::seconds grace{60};        ///< of a session without any flow; then it ends
  std::chrono::seconds first_flow{300};  ///< so long its UEs have to come
};

inline constexpr std::size_t sessions_max = 10'000;
inline constexpr std::size_t session_parties_max = 8;   ///< beside the owner
inline constexpr std::size_t session_waiting_max = 16;  ///< requests that wait on one session
/// Two who ask for the same session by a key that is shorter could have chosen it by chance.
inline constexpr std::size_t shared_key_bytes_min = 16;

/// How often an enabler is asked, a minute apart in the end, to forget what it made: some thirty
/// hours.
inline constexpr std::int64_t enabler_attempts_max = 1440;
inline constexpr std::chrono::seconds enabler_clock_skew_max{60};
inline constexpr std::size_t nodes_max = 1000;
inline constexpr std::size_t connections_max = 200'000;
inline constexpr std::size_t room_connections_max = 4096;
inline constexpr std::size_t room_aliases_max = 65'534;
inline constexpr std::size_t orders_kept_max = 65'536;   ///< of one node; one with more is lost
inline constexpr std::size_t orders_told_max = 256;      ///< in one answer
inline constexpr std::size_t polls_max = 4;              ///< that wait on one node
inline constexpr std::size_t state_questions_max = 128;  ///< that wait on one node
/// For a node's next report, which it sends when it hears of the question.
inline constexpr std::chrono::seconds state_patience{2};
inline constexpr std::chrono::milliseconds poll_wait_max{10'000};
/// A new token is made when so much of the life of the old one is left.
inline constexpr int token_margin_part = 5;  ///< a fifth
/// Aliases of a room that nobody is in any more are forgotten so long afterwards: what was handed
/// out to a decision that is still being committed is never handed out again.
inline constexpr std::chrono::seconds room_kept_empty{60};

/// A decision whose commit failed leaves a claim behind that nobody holds; it counts for so long.
inline constexpr std::chrono::seconds claim_kept{5};

/// All assets of a room, for who only watches.
inline constexpr std::string_view every_asset = "urn:sdd:every-asset";

/// Where a room is carried.
struct Place {
  std::string node;
  std::int64_t epoch = 0;  ///< of the room
  api::sync_types::ConnInfo at;
  std::optional<api::sync_types::ConnInfo> redundant;
  std::optional<std::string> certificate_hash;
  bool operator==(const Place&) const = default;
};

/// Hands out what is unique. Asking again gives the same answer as long as the room has anybody in
/// it, so that a decision that is taken again after a failed commit is the same decision.
struct Ground {
  Ground() = default;
  Ground(const Ground&) = delete;
  Ground& operator=(const Ground&) = delete;
  virtual ~Ground() = default;

  /// `unavailable` where no node is alive that has room for so many flows more.
  virtual Result<Place> place(const std::string& room, std::size_t flows, Instant now) = 0;
  /// `too_many` where the room has as many assets as it may.
  virtual Result<std::int64_t> alias(const std::string& room, const std::string& asset) = 0;
  /// Who is the UE's connection in this room: `connection` itself where nobody was it before.
  virtual std::string claim(const std::string& room, const std::string& ue,
                            const std::string& connection, Instant now) = 0;
  /// The same for several UEs, of whom all are claimed or none: who is in the way, if anybody.
  virtual std::optional<std::string> claim_all(
      const std::string& room, const std::vector<std::pair<std::string, std::string>>& connections,
      Instant now) = 0;
  /// Claims for connections that will never be made.
  virtual void unclaimed(const std::string& room, const std::vector<std::string>& connections,
                         Instant now) = 0;
  /// Never the same one twice while anybody has it.
  virtual std::int64_t flow_id() = 0;
};

}  // namespace lobo::sealdd
