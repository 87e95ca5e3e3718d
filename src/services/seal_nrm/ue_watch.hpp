#pragma once
// Where one UE is: kind "ue_watch", id its GPSI. Owns one MonitoringEvent subscription of type
// PDN_CONNECTIVITY_STATUS while any unicast resource of the UE exists (TS 23.434 clause 14.3.3.3.2:
// the NRM server obtains the UE's IP address by monitoring of the PDU session status).
//
//   subscribing -> watching        the core reports, at once and whenever it changes
//        |             |
//        v             v
//   retrieving ----> unfollowed    the core does not watch: asked once for each create; that
//   address
//        |                         changes cannot be followed is shown in the resources
//        v
//      failed                      the core does not tell; the next create asks again
//
//   cancelling -> (erased)         nobody needs it any more
//
// A PCF tells nobody where a UE is. Where there is no NEF beside it the configuration does, no call
// is made, and the watch is unfollowed from the start; it looks again at each create and when it is
// told "doubted".
//
// Hears: Tell "wanted" {secret}, "released" and "doubted" of unicast and measure_source, "audited"
// of an audit. Tells every one of them of its UE "address"; there are at most unicasts_per_ue_max
// unicast resources, and one measure_source of each kind.

#include <string_view>

#include "services/seal_nrm/ports.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

class UeWatchMachine final : public resource::Machine {
 public:
  /// Both outlive the machine.
  UeWatchMachine(const Settings& settings, const UeDirectory& directory)
      : settings_(settings), directory_(directory) {}

  std::string_view kind() const override { return "ue_watch"; }
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  const Settings& settings_;
  const UeDirectory& directory_;
};

}  // namespace lobo::seal_nrm
