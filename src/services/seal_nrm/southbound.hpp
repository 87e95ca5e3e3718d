#pragma once
// One core, two doors: a NEF (N33) or a PCF (N5). What a unicast resource needs of either, as plain
// HTTP messages; which one is asked is configuration. A NEF beside the PCF is not asked for this.
// The vocabulary inside is the NEF's (TS 29.122 clause 5.14): what a PCF says is translated as a
// NEF would.
//
// Stateless: an object for each kind of core lives as long as the process.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/as_session_with_qos.hpp"
#include "api/ss_nra.hpp"
#include "api/state/seal_nrm.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "wire/http/message.hpp"

namespace lobo::seal_nrm {

/// A call to a network function: to which, and what.
struct CoreCall {
  std::string peer;
  http::Request request;
};

/// What is to be reserved, for whom.
struct Reservation {
  const std::string& callback;
  const UeAddress& address;
  const UniQosRequirement& qos;
  std::optional<std::string> bdt_ref_id{};  ///< absent where a NEF is told by an API of its own
};

using CoreNews = api::as_session_with_qos::UserPlaneNotificationData;

class Southbound {
 public:
  Southbound() = default;
  Southbound(const Southbound&) = delete;
  Southbound& operator=(const Southbound&) = delete;
  virtual ~Southbound() = default;

  /// The function that is asked, by its name among the peers. `located` is what read_located gave.
  virtual std::string peer(const Settings& settings,
                           const std::optional<std::string>& located) const = 0;
  /// Whether the core lists what it holds. Where it does not, what a lost answer made is an orphan
  /// that is suspected until it calls back.
  virtual bool lists() const = 0;

  /// The question that comes before a reservation; nothing where there is none.
  virtual std::optional<CoreCall> locate(const Settings& settings, const UeAddress& address,
                                         const UniQosRequirement& qos) const = 0;
  /// Which function is to be asked for the UE of `gpsi`, or why nobody is.
  virtual tl::expected<std::string, Refusal> read_located(const Settings& settings,
                                                          const Result<http::Response>& response,
                                                          std::string_view gpsi) const = 0;

  virtual http::Request reserve(const Settings& settings, const Reservation& wanted) const = 0;
  virtual http::Request modify(const Settings& settings, std::string_view id,
                               const Reservation& wanted,
                               const UniQosRequirement& before) const = 0;
  virtual http::Request get(const Settings& settings, std::string_view id) const = 0;
  virtual http::Request release(const Settings& settings, std::string_view id) const = 0;
  /// Only where it lists().
  virtual http::Request list(const Settings& settings, const std::optional<UeAddress>& address,
                             bool filtered) const = 0;

  virtual Created read_created(const Result<http::Response>& response) const = 0;
  /// Whether the core says for certain that it holds nothing under the name for `callback`.
  virtual bool says_gone(const Result<http::Response>& response,
                         std::string_view callback) const = 0;
  /// Whether the session that the core shows is the one that is asked for.
  virtual bool keeps(std::string_view shown, const Settings& settings, const UeAddress& address,
                     const UniQosRequirement& qos) const = 0;
  /// What a callback says; `request` as it came.
  virtual Result<CoreNews> read_news(const http::Request& request) const = 0;
};

const Southbound& southbound(const Settings& settings);

}  // namespace lobo::seal_nrm
