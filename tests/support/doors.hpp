#pragma once
// The doors of the core that a System can have.

#include "services/core_sim/config.hpp"
#include "services/seal_nrm/ports.hpp"
#include "support/system.hpp"
#include "wire/http/ssrf.hpp"

namespace lobo::app::testing {

/// A PCF instead of the NEF: one for all, or one that the BSF names.
inline System::Setup through_pcf(bool bsf = false, const core_sim::PcfQuirks& quirks = {}) {
  System::Setup setup;
  setup.adjust_core = [quirks](core_sim::CoreConfig& core) { core.pcf = quirks; };
  setup.adjust = [bsf](ControlPlane::Config& config) {
    auto& core = config.nrm.core;
    core.kind = seal_nrm::CoreKind::pcf;
    core.peer = "pcf";
    core.bsf = bsf;
    core.af_app_id = "lobodon";
    core.pcfs = *http::SinkPolicy::from({std::string(System::core_authority)}, false);
    config.nef.name = "pcf";
    if (!bsf) return;
    config.bsf = config.nef;
    config.bsf->name = "bsf";
    config.nef = {};
  };
  return setup;
}

}  // namespace lobo::app::testing
