#include "services/core_sim/answers.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/as_session_with_qos.hpp"
#include "base/result.hpp"
#include "model/supported_features.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/http/status.hpp"

namespace lobo::core_sim {

Refusal refusal(const Error& error) {
  const auto kind = http::problem_kind(error.code);
  Refusal refused{.status = kind.status, .cause = std::string(kind.cause), .detail = error.detail};
  refused.faults = error.faults;
  return refused;
}

tl::unexpected<Refusal> refuse(const Error& error) {
  return tl::unexpected<Refusal>(refusal(error));
}

tl::unexpected<Refusal> refuse(Errc code, std::string detail, std::vector<Fault> faults) {
  return refuse(Error{code, std::move(detail), std::move(faults)});
}

tl::unexpected<Refusal> refuse(int status, std::string_view cause, std::string detail,
                               std::vector<Fault> faults) {
  Refusal refused{.status = status, .cause = std::string(cause), .detail = std::move(detail)};
  refused.faults = std::move(faults);
  return tl::unexpected<Refusal>(std::move(refused));
}

http::Response json_response(int status, std::string body, bool enforced) {
  return {status,
          {{"content-type", "application/json"},
           {std::string(simulated_header),
            std::string(enforced ? simulated_but_enforced : simulated_wholly)}},
          std::move(body)};
}

http::Response to_response(const Refusal& refusal) {
  api::as_session_with_qos::ProblemDetailsAsSessionWithQos problem;
  problem.title = std::string(http::reason_phrase(refusal.status));
  problem.status = refusal.status;
  if (!refusal.detail.empty()) problem.detail = refusal.detail;
  if (!refusal.cause.empty()) problem.cause = refusal.cause;
  problem.acceptable_serv_info = refusal.acceptable;
  if (!refusal.faults.empty()) {
    auto& params = problem.invalid_params.emplace();
    for (const auto& fault : refusal.faults) {
      auto& param = params.emplace_back();
      param.param = fault.where;
      if (!fault.reason.empty()) param.reason = fault.reason;
    }
  }
  auto response = json_answer(refusal.status, problem);
  response.headers.set("content-type", "application/problem+json");
  if (refusal.status == 401) response.headers.add("www-authenticate", "Bearer");
  if (refusal.retry_after_seconds)
    response.headers.add("retry-after", std::to_string(*refusal.retry_after_seconds));
  return response;
}

std::string common_features(std::string_view ours, std::string_view theirs) {
  const auto a = model::SupportedFeatures::parse(ours).value_or(model::SupportedFeatures{});
  const auto b = model::SupportedFeatures::parse(theirs).value_or(model::SupportedFeatures{});
  return a.shared_with(b).text();
}

}  // namespace lobo::core_sim
