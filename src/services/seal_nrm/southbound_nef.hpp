#pragma once
// The NEF as plain HTTP messages: AsSessionWithQoS (TS 29.122 clause 5.14), MonitoringEvent (5.3)
// and UE address retrieval (TS 29.522 clause 5.33). Requests are built here, answers are read here,
// and nobody else knows how they look. Targets are relative to the peer's API root.
//
// Answers are hostile input. A Location is never followed: only its last segment is taken, as a
// name below our own root, and only where its characters and length are those of a name.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/as_session_with_qos.hpp"
#include "api/nra_reliable.hpp"
#include "api/ss_nra.hpp"
#include "api/state/seal_nrm.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "wire/http/message.hpp"

namespace lobo::seal_nrm {

using api::ss_nra::UniQosRequirement;
using api::state::seal_nrm::UeAddress;

inline constexpr std::size_t core_id_bytes_max = 128;
inline constexpr std::size_t listed_ours_max = 64;  ///< of one list; more would not be ours to make
/// The header by which a network that is none says so.
inline constexpr std::string_view header_simulated = "x-lobo-simulated";
/// Whether the network says of what a message is about that packets are treated so. A simulated
/// core says it where a UPF does it for it; a real one has no word for it.
bool says_enforced(const http::Request& request);

// ---- identity ---------------------------------------------------------------------------------

/// Unguessable, and different for every resource: also how we find what is ours in the core's list.
std::string callback_path(std::string_view kind, std::string_view id, std::string_view secret);
std::string callback_uri(const Settings& settings, std::string_view kind, std::string_view id,
                         std::string_view secret);

/// The name at the end of a link of the core, or nothing where it has none that can be used.
std::optional<std::string> last_segment(std::string_view link);

/// The address that a session is made for: IPv6 where the first flow's far end is IPv6 and the UE
/// has one, else IPv4, IPv6, MAC in this order. Empty: none.
std::string session_address(const std::optional<UeAddress>& address, const UniQosRequirement& qos);

/// The rule with the UE's address at the UE's side, whatever stood there: applications do not know
/// where a UE is, and it moves. Written anew, so that nothing but a whole rule can leave; nothing
/// where the text is none.
std::optional<std::string> at_ue(const std::string& text, const std::string& address);
/// Everything that the UE of an Ethernet PDU session sends or is sent.
std::vector<api::as_session_with_qos::EthFlowDescription> ethernet_rules(const std::string& mac);

// ---- AsSessionWithQoS -------------------------------------------------------------------------

http::Request reserve_request(const Settings& settings, const std::string& callback,
                              const UeAddress& address, const UniQosRequirement& qos);
/// The whole set, because not every core merges; members that `before` had and `after` has not are
/// null in a merge patch.
http::Request modify_request(const Settings& settings, const std::string& callback,
                             std::string_view id, const UeAddress& address,
                             const UniQosRequirement& before, const UniQosRequirement& after);
http::Request get_request(const Settings& settings, std::string_view id);
http::Request release_request(const Settings& settings, std::string_view id);
/// All our sessions, or only those at `address` where the core has that filter.
http::Request list_request(const Settings& settings, const std::optional<UeAddress>& address,
                           bool filtered);
http::Request list_at_request(const Settings& settings, const std::vector<UeAddress>& addresses);

// ---- MonitoringEvent and UE address -----------------------------------------------------------

http::Request subscribe_request(const Settings& settings, const std::string& callback,
                                std::string_view gpsi, Instant expires);
http::Request unsubscribe_request(const Settings& settings, std::string_view id);
http::Request list_watches_request(const Settings& settings);
http::Request get_watch_request(const Settings& settings, std::string_view id);
http::Request retrieve_address_request(const Settings& settings, std::string_view gpsi);

// ---- ApplyingBdtPolicy (TS 29.522) ------------------------------------------------------------

http::Request apply_bdt_request(const Settings& settings, std::string_view gpsi,
                                std::string_view bdt_ref_id);
http::Request withdraw_bdt_request(const Settings& settings, std::string_view id);
http::Request get_bdt_request(const Settings& settings, std::string_view id);
http::Request list_bdt_request(const Settings& settings);
/// Whether the core says for certain that under the name there is no policy, or none of that UE and
/// reference.
bool says_bdt_gone(const Result<http::Response>& response, std::string_view gpsi,
                   std::string_view bdt_ref_id);
/// The names of all that are listed, ascending; nothing where the answer is no list, or lists one
/// without a name.
std::optional<std::vector<std::string>> read_bdt_names(const Result<http::Response>& response);
/// Names of the listed policies of that UE and reference; nothing where the answer is no list, or
/// lists one of them without a name.
std::optional<std::vector<std::string>> read_bdt_list(const Result<http::Response>& response,
                                                      std::string_view gpsi,
                                                      std::string_view bdt_ref_id);

// ---- ServiceParameter (TS 29.522 clause 4.4.20) ------------------------------------------------

/// URSP guidance with a rule for each of the two kinds of traffic.
http::Request guide_request(const Settings& settings, const std::string& callback,
                            std::string_view gpsi,
                            const std::vector<api::nra_reliable::AppTrafficDesc>& traffic);
http::Request withdraw_guidance_request(const Settings& settings, std::string_view id);
http::Request list_guidance_request(const Settings& settings, std::string_view gpsi);

// ---- answers ----------------------------------------------------------------------------------

enum class Verdict : std::uint8_t {
  done,      ///< the core did it
  refused,   ///< the core did not, and says so (for a release: there is no such thing any more)
  not_sent,  ///< the core never saw it
  unknown,   ///< nobody knows
};

struct Created {
  Verdict verdict = Verdict::unknown;
  std::optional<std::string> id;  ///< with done; nothing where the answer names nothing usable
  bool simulated = false;
};
/// `collection` is the segment that stands before the name in a Location.
Created read_created(const Result<http::Response>& response, std::string_view collection);
/// A 500 by which NEF and PCF say that one UE has no PDU session (TS 29.514 table 5.7-1): an answer
/// about that UE, which says nothing of their own health.
bool is_about_one_ue(const http::Response& response);
Verdict read_modified(const Result<http::Response>& response);
Verdict read_released(const Result<http::Response>& response);

/// Names of the listed objects whose notification URI ends in `callback`; nothing where the answer
/// is no list, or lists ours without a name.
std::optional<std::vector<std::string>> read_list(const Result<http::Response>& response,
                                                  std::string_view callback);

struct KeptSession {
  bool gone = false;
  std::string body;
};
std::optional<KeptSession> read_session(const Result<http::Response>& response);
/// Whether it has no way to read one by its name.
bool cannot_be_read(const Result<http::Response>& response);
/// Whether the core says for certain that it holds nothing under that name for `callback`: none at
/// all, or somebody else's, because a core that lost its memory may give a name away again.
bool says_gone(const Result<http::Response>& response, std::string_view callback);

/// One of the core's objects whose notification URI has the form of ours.
struct ListedOurs {
  std::string of;            ///< identifier of the resource in the URI
  std::string secret;        ///< in the URI
  std::string id;            ///< its name at the core
  bool at_our_base = false;  ///< the URI begins with our callback base, not only ends in our form
};
enum class ListVerdict : std::uint8_t {
  listed,
  unsupported,  ///< this core has no such list
  too_large,    ///< more than may be read in one go
  failed,
};
struct ListedAll {
  ListVerdict verdict = ListVerdict::failed;
  std::vector<ListedOurs> ours;  ///< ascending by `of`
};
/// All of ours for resources of `kind`, as it stands in the path.
ListedAll read_all(const Result<http::Response>& response, const Settings& settings,
                   std::string_view kind);
/// Whether the session that the core shows is the one that `qos` asks for.
bool session_keeps(std::string_view body, const Settings& settings, const UeAddress& address,
                   const UniQosRequirement& qos);

/// What a report says about where the UE is. Nothing: it says nothing about it.
struct AddressReport {
  std::optional<UeAddress> address;  ///< nothing: the UE has no connection
};
std::optional<AddressReport> read_subscribed_report(const http::Response& response,
                                                    const CoreTraits& core);
struct MonitoringNews {
  std::optional<AddressReport> report;
  bool cancelled = false;                   ///< the core ended the subscription
  std::optional<std::string> subscription;  ///< its name
};
/// `known` is where the UE was last, so that the end of another connection is not taken for its
/// own.
Result<MonitoringNews> read_monitoring_notification(std::string_view body, const CoreTraits& core,
                                                    const std::optional<UeAddress>& known);
std::optional<UeAddress> read_retrieved_address(const http::Response& response);

}  // namespace lobo::seal_nrm
