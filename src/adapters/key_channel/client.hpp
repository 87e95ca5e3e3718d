#pragma once
// The UPF's end of a key channel on the real world: dials, shakes hands, derives the keys that the
// machine accepts, and tells what it has. For one application server, on the loop.

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/http/tls.hpp"
#include "adapters/key_channel/owner.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm_keys/acceptor.hpp"
#include "wire/xrm_keys/failure.hpp"
#include "wire/xrm_keys/message.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::adapters {

class KeySession;
struct Session;
struct Transport;

/// Resolving, connecting and shaking hands together.
inline constexpr std::chrono::milliseconds key_dial_timeout{5000};

struct KeyClientConfig {
  xrm::AcceptorConfig keys;
  std::string host;
  std::uint16_t port = 0;
  std::shared_ptr<TlsContext> tls;
};

class KeyClient final : private KeySessionOwner {
 public:
  using Contexts = std::vector<xrm::ContextSettings>;
  struct Hooks {
    /// All keys that are live now. When it returns, a packet that comes later is opened by them.
    std::function<Result<void>(const Contexts&)> publish;
    std::function<void(const xrm::KeyTerms&)> accepted;
    std::function<void(xrm::KeyId, bool expired)> removed;
    std::function<void(xrm::KeyCause, std::chrono::milliseconds redial_after)> ended;
  };
  struct Counters {
    std::uint64_t dials = 0;
    std::uint64_t accepted = 0;
    std::uint64_t expired = 0;
    /// By failure: what we said, and what the other end said.
    std::array<std::uint64_t, xrm::key_failures> ended{}, ended_by_peer{};
  };

  KeyClient(EventLoop& loop, KeyClientConfig config, Hooks hooks);
  ~KeyClient() override;
  KeyClient(const KeyClient&) = delete;
  KeyClient& operator=(const KeyClient&) = delete;

  void start() { turn(machine_.tick(now())); }

  const xrm::KeyAcceptor& machine() const { return machine_; }
  const Counters& counters() const { return counters_; }
  std::optional<xrm::KeyCause> last_end() const { return last_end_; }
  const KeyClientConfig& config() const { return config_; }

 private:
  using Effects = xrm::KeyAcceptor::Effects;

  void key_message(const xrm::KeyMessage& message) override;
  void key_malformed(xrm::KeyFailure failure) override;
  void key_closed(xrm::KeyCause cause) override;

  xrm::ChannelTime now() const;
  void turn(const Effects& effects);
  void act(const Effects& effects);
  void perform(const xrm::KeyAcceptor::Dial&);
  void perform(const xrm::KeyAcceptor::Send& send);
  void perform(const xrm::KeyAcceptor::Close&);
  void perform(const xrm::KeyAcceptor::Install& install);
  void perform(const xrm::KeyAcceptor::Remove& remove);
  void perform(const xrm::KeyAcceptor::Accepted& accepted);
  void perform(const xrm::KeyAcceptor::Ended& ended);
  std::shared_ptr<Session> open(Transport& transport, TlsEngine& tls);
  bool install(const xrm::KeyTerms& terms);
  void arm();

  EventLoop& loop_;
  KeyClientConfig config_;
  Hooks hooks_;
  xrm::KeyAcceptor machine_;
  Contexts contexts_;
  std::shared_ptr<KeySession> session_;
  Counters counters_;
  std::optional<xrm::KeyCause> last_end_;
  runtime::Scheduler::TimerId timer_ = 0;
  /// What is under way may outlive this object: it asks whether this still is.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace lobo::adapters
