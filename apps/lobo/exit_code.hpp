#pragma once
// The exit codes of `lobo`. Scripts rely on them: a number, once given, keeps its meaning.

#include <cstdint>
#include <cstdlib>

#include "base/result.hpp"

namespace lobo::app {

enum class Exit : std::uint8_t {
  ok = 0,
  failed = 1,         ///< refused by a server or by the network, or the work did not succeed
  usage = 2,          ///< the command line
  configuration = 3,  ///< a configuration, key or certificate file
  unreachable = 4,    ///< no answer from the server
  not_found = 5,      ///< the server knows no such thing
  denied = 6,         ///< credentials are missing, wrong or not enough
  interrupted = 130,  ///< Ctrl-C, as shells count it
};

constexpr Exit exit_for(Errc code) {
  switch (code) {
    case Errc::not_found: return Exit::not_found;
    case Errc::unauthenticated:
    case Errc::forbidden: return Exit::denied;
    case Errc::unavailable:
    case Errc::timeout: return Exit::unreachable;
    case Errc::malformed:
    case Errc::missing:
    case Errc::wrong_type:
    case Errc::out_of_range:
    case Errc::pattern:
    case Errc::not_allowed:
    case Errc::duplicate:
    case Errc::method_unknown:
    case Errc::media_type:
    case Errc::not_acceptable:
    case Errc::conflict:
    case Errc::precondition:
    case Errc::too_large:
    case Errc::too_many:
    case Errc::refused:
    case Errc::internal: return Exit::failed;
  }
  std::abort();
}

}  // namespace lobo::app
