#pragma once
// What the metaverse enabler's server (MMES) needs from outside: what the operator configured, the
// peers "sealdd" and, where there is one, "nrm", and a look at notifications that were given up.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "wire/http/ssrf.hpp"
#include "wire/resource/record.hpp"

namespace lobo::metaverse {

inline constexpr std::string_view sealdd_peer = "sealdd";
inline constexpr std::string_view nrm_peer = "nrm";

inline constexpr std::size_t policies_max = 1000;    ///< of all owners
inline constexpr std::size_t sessions_max = 10'000;  ///< that are live
inline constexpr std::size_t subscriptions_per_owner_max = 100;
inline constexpr std::size_t parties_max = 8;   ///< of one session, beside its owner
inline constexpr std::size_t waiting_max = 16;  ///< requests that wait on one session
/// How long a released session can be read where no policy has a say any more.
inline constexpr std::chrono::seconds retention_usual{60};
/// Two who ask for the same session by a key that is shorter could have chosen it by chance.
inline constexpr std::size_t shared_key_bytes_min = 16;

struct Limits {
  std::chrono::milliseconds answer_within{5000};  ///< to a create, a change or a teardown
  std::chrono::milliseconds call_deadline{4000};  ///< of one call to SEALDD
  std::chrono::milliseconds retry_first{1000};
  std::chrono::milliseconds retry_max{60'000};
  std::chrono::seconds connection_lifetime{std::chrono::hours{1}};  ///< then it is renewed
  std::chrono::seconds grace{60};         ///< without any flow; then the session ends
  std::chrono::seconds first_flow{300};   ///< so long a UE has to come
  std::chrono::seconds resolved_for{60};  ///< how long SEALDD may use what was resolved
  bool operator==(const Limits&) const = default;
};

struct Settings {
  std::string api_root;                ///< by which applications and SEALDD reach us
  std::string callback_base;           ///< by which SEALDD reaches our callbacks
  http::SinkPolicy sinks;              ///< where notifications may go
  bool nrm = false;                    ///< whether there is a peer "nrm" to ask
  std::vector<std::string> operators;  ///< their policies count for all, and they see all sessions
  Limits limits;
};

/// One notification that was given up, as it was to be sent.
struct ParkedNotification {
  std::uint64_t sequence = 0;
  std::uint32_t attempts = 0;
  std::string body;
};

struct Parked {
  Parked() = default;
  Parked(const Parked&) = delete;
  Parked& operator=(const Parked&) = delete;
  virtual ~Parked() = default;
  virtual Result<std::vector<ParkedNotification>> of(const resource::Key& subscription) const = 0;
};

}  // namespace lobo::metaverse
