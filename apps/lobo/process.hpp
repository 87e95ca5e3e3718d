#pragma once
// A child process of a demo: started, listened to, ended. It never outlives its parent: the kernel
// ends it when the parent dies, whatever the parent died of.

#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace lobo::app {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { reset(); }
  int get() const { return fd_; }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

inline constexpr std::chrono::seconds child_end_patience{5};  ///< between SIGTERM and SIGKILL

class ChildProcess {
 public:
  /// Runs `words` (the program first, found on the PATH where it is no path); its standard error
  /// goes to the end of `log_file`.
  static Result<ChildProcess> start(const std::vector<std::string>& words,
                                    const std::string& log_file);
  ChildProcess(ChildProcess&& other) noexcept : pid_(-1) { *this = std::move(other); }
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess() { end(); }

  /// The next line of its standard output. unavailable: it ended; timeout: it said nothing.
  Result<std::string> read_line(std::chrono::milliseconds patience);
  void signal(int number) const;
  /// Its wait status, once it has ended by itself or by a signal within `patience`.
  std::optional<int> wait(std::chrono::milliseconds patience);
  /// Asks it to end, then makes it.
  void end();
  pid_t pid() const { return pid_; }

 private:
  ChildProcess(pid_t pid, UniqueFd process, UniqueFd output)
      : pid_(pid), process_(std::move(process)), output_(std::move(output)) {}

  pid_t pid_ = -1;
  UniqueFd process_;  ///< readable when it has ended
  UniqueFd output_;
  std::string unread_;
};

/// The path of this very program.
std::string own_program();
/// Runs this very program with `words`.
Result<ChildProcess> start_own(const std::vector<std::string>& words, const std::string& log_file);
/// What a program says behind "ready: ": mostly its URLs.
Result<std::vector<std::string>> ready_words(ChildProcess& child,
                                             std::chrono::milliseconds patience);

}  // namespace lobo::app
