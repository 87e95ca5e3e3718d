#pragma once
// Rules of a reliable transmission that its schema cannot say (T65). Every fault is told at once.

#include <string>
#include <string_view>

#include "api/nra_reliable.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"

namespace lobo::seal_nrm {

struct CheckedReliable {
  api::nra_reliable::ReliableTransmission doc;
  std::string gpsi;
  std::string unknown_ue;  ///< pointer of the member that names a UE nobody knows; else empty
};
Result<CheckedReliable> check_reliable(api::nra_reliable::ReliableTransmission doc,
                                       std::string_view requester, const Settings& settings,
                                       const UeDirectory& directory, Instant now);

}  // namespace lobo::seal_nrm
