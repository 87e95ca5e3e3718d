#pragma once
// A problem written down as a linear or mixed-integer program, from its definition and not from the
// planner's own network: what a solver makes of it is an independent answer.

#include <string>

#include "energy/problem.hpp"

namespace lobo::energy {

enum class Whole { no, yes };

/// In the LP format that clp and cbc read. With Whole::yes servers and sites are integers. At most
/// `unserved_mbps` of all demand may be left out.
std::string lp_file(const Problem& problem, Whole whole, double unserved_mbps);

}  // namespace lobo::energy
