#pragma once
// The gNB at netsim's control API (api/net_control.yaml): it makes itself known, registers UEs,
// follows their PDU sessions, and tells of guarantees. What cannot be asked is asked again, later
// and later; a netsim that has started anew, and knows nobody, is told all again.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/net_control.hpp"
#include "api_client.hpp"
#include "base/result.hpp"
#include "gnb/session_terms.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::app {

inline constexpr std::chrono::milliseconds registrar_look{200};
inline constexpr std::chrono::milliseconds registrar_retry_first{200};
inline constexpr std::chrono::milliseconds registrar_retry_max{5000};

class Registrar {
 public:
  struct Tells {
    /// The PDU session is established, or has changed.
    std::function<void(std::uint32_t ue, const SessionTerms&)> session;
    /// It is gone; or it never was, for this reason.
    std::function<void(std::uint32_t ue, std::string reason)> none;
  };
  /// All outlive the registrar.
  struct World {
    runtime::Scheduler& scheduler;
    ApiClient& network;
    runtime::Log& log;
  };

  Registrar(World world, std::string name, std::string n3, Tells tells);
  ~Registrar();
  Registrar(const Registrar&) = delete;
  Registrar& operator=(const Registrar&) = delete;

  void start();
  /// The UE is here, with this TEID of ours for it.
  void want(std::uint32_t ue, const std::string& name, std::uint32_t teid);
  /// The UE has left.
  void leave(std::uint32_t ue);
  /// The newest notice of a flow counts.
  void notify(std::uint32_t ue, const api::net_control::NetGuaranteeNotice& notice);
  /// The newest counters of a UE count.
  void measured(std::uint32_t ue, const api::net_control::NetRanCounters& counters);
  /// Takes everything away; `done` when that is answered or `patience` is over.
  void end(std::chrono::milliseconds patience, std::function<void()> done);

  bool registered() const { return registered_; }
  std::uint64_t notices_told() const { return notices_told_; }

 private:
  struct Ue {
    std::string name;
    std::uint32_t teid = 0;
    bool asked = false;  ///< its session was started
    bool under_way = false;
    bool known = false;  ///< what it is was told
    std::int64_t version = 0;
    std::map<std::int64_t, api::net_control::NetGuaranteeNotice> notices;  ///< by QFI
    std::optional<api::net_control::NetRanCounters> counters;              ///< not told yet
  };

  void look();
  void look_soon(std::chrono::milliseconds delay);
  void fail_soon();
  void register_gnb();
  void follow(std::uint32_t number, Ue& ue);
  void took(std::uint32_t number, const Result<http::Response>& answer);
  void take_session(std::uint32_t number, const http::Response& answer);
  void tell_notice(std::uint32_t number, Ue& ue);
  void tell_counters(std::uint32_t number, Ue& ue);
  void ask(std::string_view method, const std::string& path, std::string body,
           std::function<void(const Result<http::Response>&)> done);
  std::string session_path(const Ue& ue) const;

  World world_;
  std::string name_;
  std::string n3_;
  Tells tells_;
  std::map<std::uint32_t, Ue> ues_;
  bool registered_ = false;
  bool registering_ = false;
  bool told_trouble_ = false;
  std::chrono::milliseconds retry_ = registrar_retry_first;
  std::optional<runtime::Scheduler::TimerId> timer_;
  std::uint64_t notices_told_ = 0;
  std::function<void()> on_end_;
  /// Answers may come when this is gone.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace lobo::app
