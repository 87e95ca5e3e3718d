#include "signal_file.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "adapters/capture/file.hpp"
#include "base/result.hpp"

namespace lobo::app {

Result<SignalFile> SignalFile::open() {
  SignalFile signals;
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGINT);
  sigaddset(&wanted, SIGTERM);
  signals.file_ = adapters::UniqueFile(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK), true);
  if (signals.get() < 0)
    return fail(Errc::refused, fmt::format("signals: {}", std::strerror(errno)));
  pthread_sigmask(SIG_BLOCK, &wanted, &signals.before_);
  return signals;
}

SignalFile::~SignalFile() {
  if (get() < 0) return;  // moved from
  signalfd_siginfo taken;
  while (::read(get(), &taken, sizeof taken) > 0) continue;
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace lobo::app
