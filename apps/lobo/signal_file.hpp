#pragma once
// SIGINT and SIGTERM as something to wait for, for programs that run to an end of their own.

#include <signal.h>

#include "adapters/capture/file.hpp"
#include "base/result.hpp"

namespace lobo::app {

/// While it lives the two signals are blocked and readable here; then they are as they were, and
/// one that came meanwhile is forgotten.
class SignalFile {
 public:
  static Result<SignalFile> open();
  SignalFile(SignalFile&&) = default;
  SignalFile& operator=(SignalFile&&) = delete;
  ~SignalFile();
  int get() const { return file_.get(); }

 private:
  SignalFile() = default;

  adapters::UniqueFile file_;
  sigset_t before_{};
};

}  // namespace lobo::app
