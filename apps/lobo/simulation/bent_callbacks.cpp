#include "simulation/bent_callbacks.hpp"

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "wire/http/message.hpp"

namespace lobo::app::simulation {

namespace {

/// Members that carry what was measured, up to where the value begins.
constexpr std::array<std::string_view, 8> values{
    R"("dlDelays":[)",    R"("ulDelays":[)", R"("rtDelays":[)",   R"("downlinkVolume":)",
    R"("uplinkVolume":)", R"("duration":)",  R"("dlDataRate":")", R"("avgPacketLossRate":)"};

bool brings_measurements(std::string_view target) {
  return target.find("/nrm-callbacks/v1/measure/") != std::string_view::npos ||
         target.find("/nrm-callbacks/v1/analytics/") != std::string_view::npos;
}

/// Puts `before` in front of each value.
void prefix_values(std::string& body, std::string_view before) {
  for (const auto member : values)
    for (auto at = body.find(member); at != std::string::npos;
         at = body.find(member, at + member.size()))
      body.insert(at + member.size(), before);
}

}  // namespace

void BentCallbacks::handle(http::Request request, ReplyFn reply) {
  if (one_in_ > 0 && brings_measurements(request.target) && rng_.below(one_in_) == 0) {
    auto& body = request.body;
    switch (rng_.below(5)) {
      case 0:  // Fifteen orders of magnitude too much; a duration of ages.
        prefix_values(body, "900000000000000");
        break;
      case 1: prefix_values(body, "-"); break;
      case 2: body.resize(rng_.below(body.size() + 1)); break;
      case 3:  // Of a session that is not, or not any more, ours.
        if (const auto at = body.find("/subscriptions/"); at != std::string::npos)
          body.insert(at + std::string_view("/subscriptions/").size(), "0");
        break;
      default: body = "{}"; break;
    }
  }
  server_.handle(std::move(request), std::move(reply));
}

}  // namespace lobo::app::simulation
