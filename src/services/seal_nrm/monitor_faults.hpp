#pragma once
// Collects what is wrong with a body. Private to monitor_*.cpp.

#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace lobo::seal_nrm {

class MonitorFaults {
 public:
  void add(Errc code, std::string where, std::string reason) {
    list_.push_back({code, std::move(where), std::move(reason)});
  }
  bool none() const { return list_.empty(); }
  tl::unexpected<Error> failure() {
    const Errc code = list_.front().code;
    return fail(code, "the members do not fit together", std::move(list_));
  }

 private:
  std::vector<Fault> list_;
};

}  // namespace lobo::seal_nrm
