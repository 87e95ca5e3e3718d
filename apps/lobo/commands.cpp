#include "commands.hpp"

namespace lobo::app {

std::span<const Verb> verbs() {
  static const std::vector<Verb> all = [] {
    std::vector<Verb> joined;
    for (auto&& some : {version_verbs(), config_verbs(), capabilities_verbs(), completion_verbs()})
      joined.insert(joined.end(), some.begin(), some.end());
    return joined;
  }();
  return all;
}

}  // namespace lobo::app
