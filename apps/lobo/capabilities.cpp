#include "capabilities.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "output.hpp"
#include "version_info.hpp"

namespace lobo::app {

std::string_view to_string(Reach reach) {
  switch (reach) {
    case Reach::absent: return "absent";
    case Reach::simulated: return "simulated";
    case Reach::confirmed: return "confirmed";
    case Reach::enforced: return "enforced";
  }
  std::abort();
}

Reach reach_of(const Flow& flow, bool simulated_network) {
  if (!flow.done) return Reach::absent;
  return simulated_network ? Reach::simulated : Reach::confirmed;
}

std::string capabilities_json(const std::vector<resource::Operation>& operations,
                              bool simulated_network) {
  std::string text = fmt::format(R"({{"version":{},"commit":{},"network":"{}","flows":[)",
                                 json_quoted(build_version), json_quoted(build_commit),
                                 simulated_network ? "simulated" : "real");
  bool first = true;
  for (const auto& flow : flows()) {
    std::string tests;
    if (!flow.tests.empty())
      for (const auto test : split(flow.tests, ' '))
        tests += (tests.empty() ? "" : ",") + json_quoted(test);
    text += fmt::format(
        R"({}{{"table":"{}","clause":"{}","name":{},"operation":{},"controlPlane":"{}",)"
        R"("userPlane":"absent","tests":[{}]}})",
        first ? "" : ",", flow.id, flow.clause, json_quoted(flow.name), json_quoted(flow.operation),
        to_string(reach_of(flow, simulated_network)), tests);
    first = false;
  }
  text += R"(],"operations":[)";
  first = true;
  for (const auto& operation : operations) {
    text += fmt::format(R"({}{{"id":{},"method":"{}","path":{}}})", first ? "" : ",",
                        json_quoted(operation.id), operation.method, json_quoted(operation.path));
    first = false;
  }
  return text + "]}";
}

}  // namespace lobo::app
