#pragma once
// Collects what is wrong with a body. Private to this folder.

#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "wire/json/json.hpp"

namespace lobo::sealdd {

class Faults {
 public:
  /// Beyond json::faults_max they are not told; the request is refused all the same.
  void add(Errc code, std::string where, std::string reason) {
    if (list_.size() < json::faults_max)
      list_.push_back({code, std::move(where), std::move(reason)});
  }
  Result<void> verdict() {
    if (list_.empty()) return {};
    const Errc code = list_.front().code;
    return fail(code, "the members do not fit together", std::move(list_));
  }

 private:
  std::vector<Fault> list_;
};

}  // namespace lobo::sealdd
