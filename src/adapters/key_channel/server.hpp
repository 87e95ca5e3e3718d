#pragma once
// The application server's end of a key channel on the real world: listens, shakes hands, and tells
// which key to seal with. For one UPF, on the loop.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/http/loop.hpp"
#include "adapters/http/tls_files.hpp"
#include "adapters/key_channel/owner.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm_keys/failure.hpp"
#include "wire/xrm_keys/message.hpp"
#include "wire/xrm_keys/offerer.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::adapters {

class KeySession;
class Listener;
struct Established;
struct Session;
struct Transport;

/// Of which one is the UPF's; the others are those that are being refused.
inline constexpr std::size_t key_connections_max = 16;
inline constexpr std::chrono::milliseconds key_handshake_timeout{5000};

struct KeyServerConfig {
  std::string address;
  std::uint16_t port = 0;   ///< 0: any that is free
  TlsFiles files;           ///< `client_ca`: who signs the UPF's certificate
  std::string upf;          ///< what the UPF's certificate is for
  xrm::OffererConfig keys;  ///< its `eas` is the first DNS name of our certificate
};

/// A key that the UPF opens.
struct KeyInUse {
  xrm::ContextSettings settings;
  std::chrono::steady_clock::time_point expires;
};

class KeyServer final : private KeySessionOwner {
 public:
  struct Hooks {
    /// Seal with this from now on; with nothing where it is none.
    std::function<void(const std::optional<KeyInUse>&)> use;
    /// `who`: an address. A connection ended, or did not come to be.
    std::function<void(std::string_view who, xrm::KeyCause)> ended;
  };
  struct Counters {
    std::uint64_t connections = 0;  ///< of the UPF
    std::uint64_t used = 0;
    std::uint64_t expired = 0;
    std::array<std::uint64_t, xrm::key_failures> ended{}, ended_by_peer{};
  };

  static Result<std::unique_ptr<KeyServer>> open(EventLoop& loop, KeyServerConfig config,
                                                 Hooks hooks);
  ~KeyServer() override;
  KeyServer(const KeyServer&) = delete;
  KeyServer& operator=(const KeyServer&) = delete;

  /// The present key has few counters left.
  void renew() { turn(machine_.renew(now())); }

  std::uint16_t port() const;
  const std::string& eas() const { return config_.keys.eas; }
  const xrm::KeyOfferer& machine() const { return machine_; }
  const Counters& counters() const { return counters_; }

 private:
  using Effects = xrm::KeyOfferer::Effects;
  KeyServer(EventLoop& loop, KeyServerConfig config, Hooks hooks);

  void key_message(const xrm::KeyMessage& message) override;
  void key_malformed(xrm::KeyFailure failure) override;
  void key_closed(xrm::KeyCause cause) override;

  xrm::ChannelTime now() const;
  void turn(const Effects& effects);
  void perform(const xrm::KeyOfferer::Send& send);
  void perform(const xrm::KeyOfferer::Close&);
  void perform(const xrm::KeyOfferer::Use& use);
  void perform(const xrm::KeyOfferer::Drop&);
  void perform(const xrm::KeyOfferer::Ended& ended);
  std::shared_ptr<Session> accept(Transport& transport, const Established& facts);
  void count(std::string_view who, xrm::KeyCause cause);
  void arm();

  EventLoop& loop_;
  KeyServerConfig config_;
  Hooks hooks_;
  xrm::KeyOfferer machine_;
  std::shared_ptr<KeySession> session_;
  std::string peer_;
  Counters counters_;
  runtime::Scheduler::TimerId timer_ = 0;
  std::unique_ptr<Listener> listener_;  ///< last, as its end still counts
};

}  // namespace lobo::adapters
