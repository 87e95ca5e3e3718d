#pragma once
// How the simulated NEF answers: JSON, or ProblemDetails with the cause that a NEF or the PCF
// behind it gives.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "api/as_session_with_qos.hpp"
#include "base/result.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"

namespace lobo::core_sim {

/// Every answer and callback of the simulated network carries it.
inline constexpr std::string_view simulated_header = "x-lobo-simulated";
/// Its value: the network is one of ours, and nothing is done to packets, or a UPF does it.
inline constexpr std::string_view simulated_wholly = "netsim";
inline constexpr std::string_view simulated_but_enforced = "netsim; user-plane=enforced";

/// Why a request is refused. Richer than Error: the standard's causes, and what would be accepted.
struct Refusal {
  int status = 400;
  std::string cause;
  std::string detail;
  std::vector<Fault> faults;
  std::optional<api::as_session_with_qos::AcceptableServiceInfo> acceptable;
  std::optional<std::uint32_t> retry_after_seconds;
};

template <class T>
using Outcome = tl::expected<T, Refusal>;
using Answer = Outcome<http::Response>;

Refusal refusal(const Error& error);
tl::unexpected<Refusal> refuse(const Error& error);
tl::unexpected<Refusal> refuse(Errc code, std::string detail, std::vector<Fault> faults = {});
tl::unexpected<Refusal> refuse(int status, std::string_view cause, std::string detail,
                               std::vector<Fault> faults = {});

http::Response to_response(const Refusal& refusal);
/// `enforced`: what it shows is done to packets by a UPF.
http::Response json_response(int status, std::string body, bool enforced = false);

template <class T>
http::Response json_answer(int status, const T& value) {
  return json_response(status, json::write(value));
}

/// `text` read as T, or a refusal that names every bad member.
template <class T>
Outcome<T> read_body(std::string_view text) {
  auto value = json::read<T>(text);
  if (!value) return refuse(value.error());
  return std::move(*value);
}

/// The feature bits that both sides have, as supportedFeatures writes them.
std::string common_features(std::string_view ours, std::string_view theirs);

}  // namespace lobo::core_sim
