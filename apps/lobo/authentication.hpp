#pragma once
// Who asks, by the configured mode: tokens and certificates, or (on loopback only) anybody.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/http/loop.hpp"
#include "config.hpp"
#include "runtime/ports.hpp"
#include "wire/resource/route.hpp"

namespace lobo::app {

class Authentication {
 public:
  Authentication() = default;
  Authentication(const Authentication&) = delete;
  Authentication& operator=(const Authentication&) = delete;
  virtual ~Authentication() = default;

  /// `operations` tell which scopes there are. `loop` and `clock` outlive it.
  static Result<std::unique_ptr<Authentication>> open(
      const AuthConfig& config, const std::vector<resource::Operation>& operations,
      adapters::EventLoop& loop, const Clock& clock);
  virtual runtime::Authenticator& port() = 0;
  /// Reads keys and expectations, used from the call of what it returns, which cannot fail. The
  /// mode stays. Keys of a URL are not waited for: the old ones serve until better have come.
  virtual Result<std::function<void()>> prepare(const AuthConfig& config) = 0;
};

}  // namespace lobo::app
