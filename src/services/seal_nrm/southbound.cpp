#include "services/seal_nrm/southbound.hpp"

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "base/require.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "services/seal_nrm/southbound_pcf.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"

namespace lobo::seal_nrm {
namespace {

class Nef final : public Southbound {
 public:
  std::string peer(const Settings& settings, const std::optional<std::string>&) const override {
    return settings.core.peer;
  }
  bool lists() const override { return true; }
  std::optional<CoreCall> locate(const Settings&, const UeAddress&,
                                 const UniQosRequirement&) const override {
    return std::nullopt;  // A NEF finds the PCF itself.
  }
  tl::expected<std::string, Refusal> read_located(const Settings&, const Result<http::Response>&,
                                                  std::string_view) const override {
    require(false);  // Never asked.
    return {};
  }
  http::Request reserve(const Settings& settings, const Reservation& wanted) const override {
    return reserve_request(settings, wanted.callback, wanted.address, wanted.qos);
  }
  http::Request modify(const Settings& settings, std::string_view id, const Reservation& wanted,
                       const UniQosRequirement& before) const override {
    return modify_request(settings, wanted.callback, id, wanted.address, before, wanted.qos);
  }
  http::Request get(const Settings& settings, std::string_view id) const override {
    return get_request(settings, id);
  }
  http::Request release(const Settings& settings, std::string_view id) const override {
    return release_request(settings, id);
  }
  http::Request list(const Settings& settings, const std::optional<UeAddress>& address,
                     bool filtered) const override {
    return list_request(settings, address, filtered);
  }
  Created read_created(const Result<http::Response>& response) const override {
    return seal_nrm::read_created(response, "subscriptions");
  }
  bool says_gone(const Result<http::Response>& response, std::string_view callback) const override {
    return seal_nrm::says_gone(response, callback);
  }
  bool keeps(std::string_view shown, const Settings& settings, const UeAddress& address,
             const UniQosRequirement& qos) const override {
    return session_keeps(shown, settings, address, qos);
  }
  Result<CoreNews> read_news(const http::Request& request) const override {
    return json::read<CoreNews>(request.body);
  }
};

}  // namespace

const Southbound& southbound(const Settings& settings) {
  static const Nef nef;
  switch (settings.core.kind) {
    case CoreKind::nef: return nef;
    case CoreKind::pcf: return pcf_southbound();
  }
  std::abort();
}

}  // namespace lobo::seal_nrm
