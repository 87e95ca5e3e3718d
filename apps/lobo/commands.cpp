#include "commands.hpp"

#include <span>
#include <vector>

#include "cli.hpp"

namespace lobo::app {

std::span<const Verb> verbs() {
  static const std::vector<Verb> all = [] {
    std::vector<Verb> joined;
    for (auto&& some :
         {serve_verbs(),  netsim_verbs(),       upf_verbs(),     gnb_verbs(),        ue_verbs(),
          net_verbs(),    nrm_verbs(),          monitor_verbs(), adaptation_verbs(), mm_qos_verbs(),
          trace_verbs(),  demo_verbs(),         sim_verbs(),     pcap_verbs(),       eas_verbs(),
          energy_verbs(), impair_verbs(),       relay_verbs(),   mm_verbs(),         pki_verbs(),
          config_verbs(), capabilities_verbs(), version_verbs(), completion_verbs()})
      joined.insert(joined.end(), some.begin(), some.end());
    return joined;
  }();
  return all;
}

}  // namespace lobo::app
