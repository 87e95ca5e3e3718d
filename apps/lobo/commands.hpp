#pragma once
// The verbs, one function for each file: a noun's verbs, in the order of help.

#include <vector>

#include "cli.hpp"

namespace lobo::app {

std::vector<Verb> serve_verbs();
std::vector<Verb> netsim_verbs();
std::vector<Verb> upf_verbs();
std::vector<Verb> energy_verbs();
std::vector<Verb> gnb_verbs();
std::vector<Verb> ue_verbs();
std::vector<Verb> trace_verbs();
std::vector<Verb> demo_verbs();
std::vector<Verb> sim_verbs();
std::vector<Verb> net_verbs();
std::vector<Verb> nrm_verbs();
std::vector<Verb> adaptation_verbs();
std::vector<Verb> mm_qos_verbs();
std::vector<Verb> monitor_verbs();
std::vector<Verb> mm_verbs();
std::vector<Verb> pcap_verbs();
std::vector<Verb> eas_verbs();
std::vector<Verb> relay_verbs();
std::vector<Verb> impair_verbs();
std::vector<Verb> pki_verbs();
std::vector<Verb> version_verbs();
std::vector<Verb> config_verbs();
std::vector<Verb> capabilities_verbs();
std::vector<Verb> completion_verbs();

}  // namespace lobo::app
