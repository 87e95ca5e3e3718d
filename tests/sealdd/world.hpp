#pragma once
// The whole SEALDD server in a virtual world: a store that may fail, a process that may die, sinks
// that remember, and relay nodes that speak its API.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_relay.hpp"
#include "base/rng.hpp"
#include "graph/sealdd_plane.hpp"
#include "sim/loop.hpp"
#include "sim/network.hpp"
#include "sim/observers.hpp"
#include "sim/store.hpp"
#include "support/sim_mmes.hpp"
#include "wire/http/message.hpp"
#include "wire/json/value.hpp"
#include "wire/sdd/token.hpp"

namespace lobo::app::testing {

inline constexpr std::chrono::seconds sealdd_answer_within{30};
inline const std::string connections = "/sdd-trans/v1/connections";

/// Signs by adding up octets: good enough to tell a token that was changed.
class SumSigner final : public sdd::TokenSigner, public sdd::TokenVerifier {
 public:
  std::uint32_t key_id() const override { return 7; }
  Result<sdd::Signature> sign(Bytes claims) override { return sum(claims); }
  bool verify(std::uint32_t key_id, Bytes claims, const sdd::Signature& given) const override {
    return key_id == 7 && given == sum(claims);
  }

 private:
  static sdd::Signature sum(Bytes claims) {
    sdd::Signature out{};
    std::uint64_t hash = 1;
    for (const auto octet : claims) hash = hash * 31 + std::to_integer<unsigned>(octet);
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<std::byte>(hash >> (8 * (i % 8)) & 0xFFU);
    return out;
  }
};

/// Who asks is what x-lobo-client says; x-lobo-scopes, where given, replaces the usual scopes.
class SealddClients final : public runtime::Authenticator {
 public:
  void authenticate(const http::Request& request, Instant now,
                    std::function<void(Result<resource::Principal>)> done) override;
};

class SealddSink final : public runtime::HttpHandler {
 public:
  void handle(http::Request request, ReplyFn reply) override {
    if (refuses) return reply({503, {}, {}});
    seen.push_back(std::move(request));
    reply({204, {}, {}});
  }
  std::vector<http::Request> seen;
  bool refuses = false;
};

/// An NRM as far as SEALDD sees one: it holds reliable transmissions, and behaves as the test
/// wants.
class SealddNrm final : public runtime::HttpHandler {
 public:
  void handle(http::Request request, ReplyFn reply) override;

  std::map<std::string, std::string> held;  ///< body by identifier
  std::set<std::string> revoked;            ///< of these, the network took back its word
  std::vector<std::string> seen;            ///< methods
  int status = 0;                           ///< answers all with it
  int status_of_create = 0;                 ///< answers what would make one with it
  bool silent = false;
  bool answers_badly = false;  ///< it does what it is asked, and its answer is lost

 private:
  std::map<std::string, std::string> keys_;
  int ids_ = 0;
};

class SealddWorld {
 public:
  /// With an NRM to ask, at nrm.example, where `nrm`.
  explicit SealddWorld(bool nrm = false);

  struct Process {
    Process(SealddWorld& world, sim::StoreState durable);
    SeededRng rng;
    sim::SimLog log;
    sim::SimMetrics metrics;
    SealddClients clients;
    SumSigner signer;
    sim::SimStore store;
    std::unique_ptr<runtime::HttpClient> client;
    SealddPlane plane;
  };

  Process& server() { return *process_; }
  const sealdd::Nodes& nodes() const { return process_->plane.hub().nodes(); }
  const sim::StoreState& durable() const { return process_->store.state(); }
  void crash_and_restart();

  http::Request request(std::string method, std::string target, std::string body = {},
                        http::Headers headers = {}, std::string_view client = "mmes") const;
  http::Response ask(http::Request request);
  http::Response ask(std::string method, std::string target, std::string body = {},
                     http::Headers headers = {}, std::string_view client = "mmes");
  /// Asks, and gives the answer a place for later.
  std::shared_ptr<std::optional<http::Response>> begin(http::Request request);
  static std::string id_of(const http::Response& response);
  static json::Value body_of(const http::Response& response);
  /// The places of a refusal.
  static std::vector<std::string> blamed(const http::Response& response);
  /// "409 STALE_EPOCH", so that a failed expectation says what it was.
  static std::string verdict(const http::Response& response);

  /// What sinks were told since the last time.
  std::vector<http::Request> told();

  /// Every record's state becomes one that we never wrote, as an older or broken store might hold.
  void spoil();

 private:
  void start(sim::StoreState durable);
  bool nrm_;
  SeededRng rng_;
  std::uint64_t runs_ = 0;

 public:
  sim::SimLoop loop;
  sim::SimNetwork network;
  SealddSink sink;
  lobo::testing::SimMmes enabler;
  SealddNrm nrm;
  std::function<void(const http::Request&, const http::Response&)> on_answer;

 private:
  std::unique_ptr<Process> process_;
};

/// A relay node as far as the server can see one: it registers, renews, reports, and keeps what it
/// was ordered.
class SimRelay {
 public:
  SimRelay(SealddWorld& world, std::string id, std::int64_t egress_bps = 1'000'000'000)
      : world_(world), id_(std::move(id)), egress_bps_(egress_bps) {}

  http::Response enrol();
  /// Renews each second for so long, as a node that is well does.
  void live(std::chrono::milliseconds time);
  http::Response report(std::vector<api::sdd_relay::RelayFlowState> flows = {},
                        std::vector<api::sdd_relay::RelayWindow> windows = {},
                        std::vector<api::sdd_relay::RelayState> states = {});
  http::Response tell(std::int64_t flow, api::sdd_connections::SddFlowState state);
  /// Every order since the last time; acknowledged with the next report.
  std::vector<api::sdd_relay::RelayOrder> orders(int wait_ms = 0);
  /// Where the second of two paths leads; the same as the first where it is none.
  std::optional<std::string> redundant;
  void restart() { boot_ = "boot" + std::to_string(++boots_); }

  std::string path() const { return "/sdd-rly/v1/nodes/" + id_; }
  api::sdd_relay::RelayNode known;
  std::int64_t seen = 0;
  bool draining = false;

 private:
  SealddWorld& world_;
  std::string id_;
  std::int64_t egress_bps_;
  int boots_ = 1;
  std::string boot_ = "boot1";
  std::int64_t sequence_ = 0;
};

/// One operation, and how to ask for it well.
struct SealddOperation {
  std::string_view id;
  std::string method;
  int status;
  std::string body;  ///< empty: it takes none
  std::string who;
  bool of_one;  ///< of something that exists and has an owner
  /// Makes what it needs, and gives the path.
  std::function<std::string(SealddWorld&)> path;
  std::string content_type{};  ///< empty: what the method usually has
};

std::vector<SealddOperation> sealdd_operations();

/// A session with an avatar of each of these UEs.
std::string session_text(const std::vector<std::string>& ues, std::string_view more = {});

/// A connection of that UE in that room, one BIDI flow of one asset.
std::string connection_text(std::string_view ue, std::string_view room = "r1",
                            std::string_view asset = "urn:a:1", std::string_view more = {});

}  // namespace lobo::app::testing
