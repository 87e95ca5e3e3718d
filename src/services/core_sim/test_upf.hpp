#pragma once
// A UPF for tests, written from TS 29.244 and from nothing of ours but the codec: it keeps the
// rules that it was told, and answers, refuses, falls silent, forgets or is born again as the test
// wants.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "model/address.hpp"
#include "services/core_sim/smf_n4.hpp"
#include "services/core_sim/test_lab.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::core_sim {

struct KeptPdr {
  std::uint32_t precedence = 0;
  pfcp::Interface source{};
  std::vector<std::string> filters;
  std::vector<std::uint32_t> qers;
  std::optional<pfcp::ProtocolDescription> protocol;
  std::uint32_t far = 0;
  std::uint32_t teid = 0;
  bool operator==(const KeptPdr&) const = default;
};

/// The rules of one session, without what a message only lends.
struct KeptSession {
  std::uint64_t cp_seid = 0;
  std::map<std::uint16_t, KeptPdr> pdrs;
  std::map<std::uint32_t, std::uint32_t> far_teids;  ///< of the RAN; 0: towards the network
  std::map<std::uint32_t, pfcp::CreateQer> qers;
  std::map<std::uint32_t, std::chrono::seconds> urr_periods;
  std::map<std::uint8_t, pfcp::Srr> srrs;
};

class ScriptedUpf {
 public:
  explicit ScriptedUpf(N4Endpoint at) : at_(at) {}

  // ---- what the test wants --------------------------------------------------------------------
  bool silent = false;
  std::size_t lose_next = 0;  ///< datagrams to it
  std::optional<pfcp::Cause> refuse_establishments;
  std::optional<pfcp::Cause> refuse_modifications;
  std::size_t refuse_count = SIZE_MAX;  ///< of them, then no more
  std::uint32_t born = 1'000;
  void restart() {
    ++born;
    sessions.clear();
    associated = false;
  }

  // ---- what it has ----------------------------------------------------------------------------
  bool associated = false;
  std::map<std::uint64_t, KeptSession> sessions;
  std::vector<std::vector<std::byte>> heard;
  std::vector<pfcp::MessageType> types;

  std::size_t heard_of(pfcp::MessageType type) const {
    return static_cast<std::size_t>(std::ranges::count(types, type));
  }

  /// Its answers, in order.
  std::vector<std::vector<std::byte>> take(const N4Datagram& datagram) {
    out_.clear();
    if (datagram.to != at_) return {};
    if (lose_next > 0) {
      --lose_next;
      return {};
    }
    const auto view = pfcp::parse_message(datagram.bytes);
    heard.push_back(datagram.bytes);
    types.push_back(view.type);
    if (!silent && view.ok()) answer(view);
    return std::move(out_);
  }

  /// A request of its own.
  template <class Message>
  std::vector<std::byte> request(std::uint64_t seid, const Message& message) {
    return written(seid, ++sequence_, message);
  }

 private:
  template <class Message>
  static std::vector<std::byte> written(std::uint64_t seid, std::uint32_t sequence,
                                        const Message& message) {
    std::vector<std::byte> room(8192);
    room.resize(pfcp::write_message(room, {.seid = seid, .sequence_number = sequence}, message));
    return room;
  }
  template <class Message>
  void respond(const pfcp::MessageView& asked, std::uint64_t seid, const Message& message) {
    out_.push_back(written(seid, asked.envelope.sequence_number, message));
  }
  static pfcp::NodeId node() { return model::Ipv4Address{{127, 0, 0, 8}}; }

  void answer(const pfcp::MessageView& view) {
    pfcp::Remarks remarks;
    if (view.type == pfcp::MessageType::heartbeat_request)
      return respond(view, 0, pfcp::HeartbeatResponse{{born}});
    if (view.type == pfcp::MessageType::association_setup_request) {
      associated = true;
      sessions.clear();
      return respond(
          view, 0,
          pfcp::AssociationSetupResponse{
              .node = node(),
              .recovery_time_stamp = {born},
              .up_features = pfcp::UpFeatures{pfcp::UpFeature::ftup, pfcp::UpFeature::pdusm}});
    }
    if (view.type == pfcp::MessageType::session_establishment_request)
      if (const auto read = pfcp::read_message<pfcp::SessionEstablishmentRequest>(view, remarks))
        return establish(view, *read);
    if (view.type == pfcp::MessageType::session_modification_request)
      if (const auto read = pfcp::read_message<pfcp::SessionModificationRequest>(view, remarks))
        return modify(view, *read);
    if (view.type == pfcp::MessageType::session_deletion_request) {
      const auto at = sessions.find(view.envelope.seid);
      pfcp::SessionDeletionResponse response;
      if (at == sessions.end()) response.cause = pfcp::Cause::session_context_not_found;
      const auto cp = at == sessions.end() ? 0 : at->second.cp_seid;
      if (at != sessions.end()) sessions.erase(at);
      return respond(view, cp, response);
    }
  }

  bool refuses(const std::optional<pfcp::Cause>& cause) {
    if (!cause || refuse_count == 0) return false;
    --refuse_count;
    return true;
  }

  void establish(const pfcp::MessageView& view, const pfcp::SessionEstablishmentRequest& request) {
    pfcp::SessionEstablishmentResponse response{.node = node()};
    if (!associated) response.cause = pfcp::Cause::no_established_association;
    if (refuses(refuse_establishments)) response.cause = *refuse_establishments;
    if (!pfcp::is_accepted(response.cause)) return respond(view, request.cp_f_seid.seid, response);
    const auto seid = ++last_seid_;
    auto& kept = sessions[seid];
    kept.cp_seid = request.cp_f_seid.seid;
    const auto created = create(kept, request);
    response.created_pdrs = {created};
    response.up_f_seid = pfcp::FSeid{.seid = seid, .v4 = model::Ipv4Address{{127, 0, 0, 8}}};
    respond(view, kept.cp_seid, response);
  }

  void modify(const pfcp::MessageView& view, const pfcp::SessionModificationRequest& request) {
    pfcp::SessionModificationResponse response;
    const auto at = sessions.find(view.envelope.seid);
    if (at == sessions.end()) {
      response.cause = pfcp::Cause::session_context_not_found;
      return respond(view, 0, response);
    }
    auto& kept = at->second;
    if (refuses(refuse_modifications)) {
      response.cause = *refuse_modifications;
      return respond(view, kept.cp_seid, response);
    }
    // All or nothing: what does not fit leaves the session as it was.
    auto draft = kept;
    bool good = true;
    for (const auto& rule : request.remove_pdrs) good &= draft.pdrs.erase(rule.id.value) == 1;
    for (const auto& rule : request.remove_qers) good &= draft.qers.erase(rule.id.value) == 1;
    for (const auto& rule : request.remove_urrs)
      good &= draft.urr_periods.erase(rule.id.value) == 1;
    for (const auto& rule : request.remove_srrs) good &= draft.srrs.erase(rule.id.value) == 1;
    const auto created = create(draft, request);
    for (const auto& rule : request.update_pdrs) {
      const auto pdr = draft.pdrs.find(rule.id.value);
      good &= pdr != draft.pdrs.end() && rule.pdi.has_value();
      if (!good) break;
      const auto precedence = rule.precedence ? rule.precedence->value : pdr->second.precedence;
      const auto far = pdr->second.far;
      pdr->second = pdr_of(*rule.pdi, rule.qers);
      pdr->second.precedence = precedence;
      pdr->second.far = far;
    }
    for (const auto& rule : request.update_fars) {
      good &= draft.far_teids.contains(rule.id.value) && rule.forwarding_parameters;
      if (good)
        draft.far_teids[rule.id.value] = rule.forwarding_parameters->outer_header_creation->teid;
    }
    for (const auto& rule : request.update_qers) {
      const auto qer = draft.qers.find(rule.id.value);
      good &= qer != draft.qers.end();
      if (!good) break;
      if (rule.maximum_bit_rate) qer->second.maximum_bit_rate = rule.maximum_bit_rate;
      if (rule.guaranteed_bit_rate) qer->second.guaranteed_bit_rate = rule.guaranteed_bit_rate;
      if (rule.indications) qer->second.indications = rule.indications;
    }
    for (const auto& rule : request.update_urrs) draft.urr_periods[rule.id.value] = *rule.period;
    for (const auto& rule : request.update_srrs) {
      good &= draft.srrs.contains(rule.id.value);
      draft.srrs[rule.id.value] = rule;
    }
    if (good)
      kept = std::move(draft);
    else
      response.cause = pfcp::Cause::rule_creation_modification_failure;
    respond(view, kept.cp_seid, response);
  }

  std::vector<pfcp::CreatedPdr> create(KeptSession& kept, const auto& request) {
    std::vector<pfcp::CreatedPdr> created;
    for (const auto& rule : request.create_pdrs) {
      auto pdr = pdr_of(rule.pdi, rule.qers);
      pdr.precedence = rule.precedence.value;
      pdr.far = rule.far->value;
      const auto* choice =
          rule.pdi.local_f_teid ? std::get_if<pfcp::FTeidChoice>(&*rule.pdi.local_f_teid) : nullptr;
      if (choice != nullptr) {
        pdr.teid = ++last_teid_;
        created.push_back({.id = rule.id,
                           .local_f_teid = pfcp::FTeid{.teid = pdr.teid,
                                                       .v4 = model::Ipv4Address{{10, 9, 0, 1}}}});
      }
      kept.pdrs.emplace(rule.id.value, std::move(pdr));
    }
    for (const auto& rule : request.create_fars) {
      const auto& header = rule.forwarding_parameters->outer_header_creation;
      kept.far_teids.emplace(rule.id.value, header ? header->teid : 0);
    }
    for (const auto& rule : request.create_qers) kept.qers.emplace(rule.id.value, rule);
    for (const auto& rule : request.create_urrs)
      kept.urr_periods.emplace(rule.id.value, rule.period.value_or(pfcp::Seconds32(0)));
    for (const auto& rule : request.create_srrs) kept.srrs.emplace(rule.id.value, rule);
    return created;
  }

  static KeptPdr pdr_of(const pfcp::Pdi& pdi, const auto& qers) {
    KeptPdr kept{.source = pdi.source_interface, .protocol = pdi.protocol_description};
    for (const auto& filter : pdi.sdf_filters)
      kept.filters.emplace_back(filter.flow_description.value_or(""));
    for (const auto qer : qers) kept.qers.push_back(qer.value);
    if (const auto* given =
            pdi.local_f_teid ? std::get_if<pfcp::FTeid>(&*pdi.local_f_teid) : nullptr)
      kept.teid = given->teid;
    return kept;
  }

  N4Endpoint at_;
  std::vector<std::vector<std::byte>> out_;
  std::uint64_t last_seid_ = 7'000;
  std::uint32_t last_teid_ = 0x1000;
  std::uint32_t sequence_ = 0;
};

/// The small network of test_lab.hpp with a UPF, a gNB that is known, and two UEs more that have no
/// address of their own.
inline CoreConfig smf_config() {
  auto config = lab_config();
  for (const auto* name : {"pool1", "pool2"})
    config.ues.push_back({.name = name,
                          .external_id = std::string(name) + "@lab.example",
                          .cell = "cell1",
                          .attached = false});
  auto& smf = config.smf.emplace();
  smf.address = "127.0.0.61";
  smf.upfs = {{.name = "upf1", .address = "127.0.0.62"}};
  smf.ue_pool = "10.60.0.0/24";
  smf.heartbeat = std::chrono::seconds(5);
  return config;
}

class SmfLab : public Lab {
 public:
  explicit SmfLab(const CoreConfig& config = smf_config()) : Lab(config) {
    between = [this] { exchange(); };
    run_for(std::chrono::milliseconds(1));
    control("/gnbs", R"({"gnbId":"gnb1","n3Addr":"10.100.0.2"})");
  }

  /// Datagrams both ways until there are none.
  void exchange() {
    for (int rounds = 0; rounds < 1'000; ++rounds) {
      const auto datagrams = core.take_datagrams();
      if (datagrams.empty()) return;
      for (const auto& datagram : datagrams)
        for (const auto& answer : upf.take(datagram)) core.receive(upf_at, answer, now());
    }
  }
  template <class Message>
  void upf_says(const Message& message, std::uint64_t seid = 0) {
    say(upf.request(seid, message));
  }
  void say(const std::vector<std::byte>& datagram) {
    core.receive(upf_at, datagram, now());
    exchange();
    run_for(std::chrono::milliseconds(0));
  }
  http::Response register_ue(std::string_view ue, std::uint32_t teid = 0x100) {
    return control("/ues/" + std::string(ue) + "/pdu-session",
                   R"({"gnbId":"gnb1","teid":)" + std::to_string(teid) + "}");
  }
  std::string session_of(std::string_view ue) {
    return send("GET", "/netsim-control/v1/ues/" + std::string(ue) + "/pdu-session").body;
  }
  /// The only one that the UPF has.
  const KeptSession& only() const { return upf.sessions.begin()->second; }

  const N4Endpoint upf_at{model::Ipv4Address{{127, 0, 0, 62}}, pfcp::udp_port};
  ScriptedUpf upf{upf_at};
};

}  // namespace lobo::core_sim
