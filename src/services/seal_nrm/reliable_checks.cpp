#include "services/seal_nrm/reliable_checks.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/nra_reliable.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/checks.hpp"
#include "services/seal_nrm/features.hpp"
#include "services/seal_nrm/ports.hpp"

namespace lobo::seal_nrm {

Result<CheckedReliable> check_reliable(api::nra_reliable::ReliableTransmission doc,
                                       std::string_view requester, const Settings& settings,
                                       const UeDirectory& directory, Instant now) {
  CheckedReliable out;
  std::vector<Fault> faults;
  const bool by_ue = doc.val_tgt_ue.val_ue_id.has_value();
  const std::string_view pointer = by_ue ? "/valTgtUe/valUeId" : "/valTgtUe/valUserId";
  const std::string& id = by_ue ? *doc.val_tgt_ue.val_ue_id : *doc.val_tgt_ue.val_user_id;
  if (id.empty()) faults.push_back({Errc::out_of_range, std::string(pointer), "must not be empty"});
  // What is the same cannot be sent two ways.
  if (doc.app_descs[0] == doc.app_descs[1])
    faults.push_back({Errc::duplicate, "/appDescs/1", "describes the same traffic as the first"});
  // A port without a protocol that has any matches nothing (RFC 6733 clause 4.3.1).
  for (std::size_t i = 0; i < doc.app_descs.size(); ++i) {
    constexpr std::int64_t tcp = 6, udp = 17, sctp = 132;
    const auto& one = doc.app_descs[i];
    if (one.port && one.protocol != tcp && one.protocol != udp && one.protocol != sctp)
      faults.push_back({Errc::not_allowed, "/appDescs/" + std::to_string(i) + "/port",
                        "needs a protocol that has ports: 6, 17 or 132"});
  }
  if (doc.notif_uri) {
    std::ranges::move(common_faults(*doc.notif_uri, doc.duration, settings, now),
                      std::back_inserter(faults));
  } else {
    if (doc.duration &&
        (*doc.duration <= now || *doc.duration > now + settings.limits.duration_max))
      faults.push_back({Errc::out_of_range, "/duration",
                        "must lie in the future, and no further ahead than this server allows"});
    if (doc.req_test_notif.value_or(false))
      faults.push_back({Errc::missing, "/notifUri", "a test needs somewhere to go"});
  }
  if (!faults.empty()) {
    const Errc code = faults.front().code;
    return fail(code, "the reliable transmission cannot be accepted as it is", std::move(faults));
  }
  const auto entry = by_ue ? directory.ue(id) : directory.user(id);
  const bool visible =
      entry && (entry->requesters.empty() ||
                std::ranges::find(entry->requesters, requester) != entry->requesters.end());
  if (visible)
    out.gpsi = entry->gpsi;
  else
    out.unknown_ue = pointer;
  doc.supp_feat = negotiate(doc.supp_feat);
  doc.rel_state.reset();  // Ours to say.
  out.doc = std::move(doc);
  return out;
}

}  // namespace lobo::seal_nrm
