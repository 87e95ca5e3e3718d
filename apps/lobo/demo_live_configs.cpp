#include "demo_live_configs.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/quantity.hpp"
#include "base/rng.hpp"
#include "demo_live_path.hpp"
#include "model/bit_rate.hpp"
#include "output.hpp"

namespace lobo::app {
namespace {

constexpr std::string_view all_features = "70000000001";
/// Above what the encoder's bursts need; the guarantee is the video's own rate.
constexpr std::uint64_t rate_max_factor = 4;

std::string hex(Rng& rng, std::size_t octets) {
  std::string text;
  for (std::size_t i = 0; i < octets; ++i)
    text += fmt::format("{:02x}", static_cast<unsigned>(rng.next() & 0xFFU));
  return text;
}

}  // namespace

std::string live_netsim_config(const LiveNetsim& netsim) {
  return fmt::format(
      R"(netsim:
  server:
    - {{address: 127.0.0.1, port: 0}}
{}  cells:
    - {{name: cell1, downlink: 1 Gbps, uplink: 1 Gbps}}
  ues:
    - {{name: ue1, gpsi: msisdn-491700000001, ipv4: {}, cell: cell1}}
  qos_profiles:
    - {{name: xr-gold, downlink: {}, downlink_max: {}, uplink: 1 Mbps, delay: 300ms, loss_percent: 1}}
  application_functions: [lobodon]
  smf:
    address: {}
    port: {}
    upf: [{{address: {}, port: {}}}]
    ran_networks: [10.100.3.0/24, 127.0.0.0/8]
    setup_retry: 100ms
  trace:
    directory: {}/trace
)",
      netsim.also_listens_at.empty() ? std::string()
                                     : fmt::format("    - {{address: {}, port: {}}}\n",
                                                   netsim.also_listens_at, live_netsim_port),
      live_ue_address, model::format_bit_rate(netsim.video_rate),
      model::format_bit_rate({netsim.video_rate.count * rate_max_factor}), netsim.smf_address,
      netsim.smf_port, netsim.upf_address, netsim.upf_port, netsim.directory);
}

std::string live_upf_config(const std::string& gateway) {
  return fmt::format(R"(upf:
  pfcp:
    server: [{{address: {0}, port: {1}}}]
    control_planes: [{2}]
  n3: {{interface: n3, address: {3}}}
  n6: {{interface: n6, address: {4}{5}}}
  io: af_packet
  xrm: {{accept: protected_only, key_file: live.keys}}
  metrics:
    server: [{{address: {0}, port: 9090}}]
)",
                     live_upf_address, live_pfcp_port, live_smf_address, live_n3_address,
                     live_n6_address,
                     gateway.empty() ? std::string() : fmt::format(", gateway: {}", gateway));
}

std::string live_gnb_config(const CellTerms& cell) {
  return fmt::format(R"(gnb:
  name: {}
  n3: {{address: {}}}
  air:
    server: [{{address: {}, port: 2153}}]
  control: http://{}:{}
  cell:
    rate: {}
    scheduler: by_flow
    policy: threshold
    queue_octets: {}
  link: {{delay: 4ms}}
  guarantee: {{window: 1s, not_held_after: 2s, held_after: 3s}}
  metrics:
    server: [{{address: 127.0.0.64, port: 9090}}]
)",
                     live_gnb_name, live_gnb_address, live_air_address, live_n3_address,
                     live_netsim_port, model::format_bit_rate(cell.rate), cell.queue_bytes);
}

std::string live_key_file(Rng& rng) {
  return fmt::format("lobodon-xrm-keys 1\ncontext id=7 alg=aes-128-gcm key={} iv={}\n",
                     hex(rng, 16), hex(rng, 12));
}

// PDU Set QoS and Protocol Description as in TS 29.122 (AsSessionWithQoS); the delay budget counts
// 0.01 ms. The marks are in a UDP option, which is read in transit.
std::string live_request(const std::string& notify_uri) {
  const std::string wish = fmt::format(
      R"({{"qosReference":"xr-gold","flows":[{{"flowId":1,"flowDescriptions":)"
      R"(["permit out 17 from {} to {} {}"]}}],)"
      R"("pduSetQosDl":{{"pduSetDelayBudget":{},"pduSetErrRate":"1E-2",)"
      R"("pduSetHandlingInfo":"ALL_PDUS_NEEDED"}},)"
      R"("protoDescDl":{{"transportProto":"RTP","mriTransferInfo":"UDP_OPTION"}}}})",
      live_server_address, live_ue_address, live_video_port, live_delay_budget.count() * 100);
  return fmt::format(
      R"({{"uniQosReq":{},"valTgtUe":{{"valUeId":"ue1"}},"notifUri":{},"suppFeat":"{}"}})",
      json_quoted(wish), json_quoted(notify_uri), all_features);
}

}  // namespace lobo::app
