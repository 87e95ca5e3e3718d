#include "process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/text.hpp"

namespace lobo::app {
namespace {

constexpr std::size_t output_line_bytes_max = 64 * 1024;

/// In the child, between fork and exec: only what is safe there.
[[noreturn]] void become(char* const* words, int output, int log, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // the parent died before the line above
  ::dup2(output, STDOUT_FILENO);
  if (log >= 0) ::dup2(log, STDERR_FILENO);
  ::execvp(words[0], words);
  ::_exit(127);
}

bool readable(int fd, std::chrono::milliseconds patience) {
  pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    const int ready =
        ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

}  // namespace

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this == &other) return *this;
  end();
  pid_ = std::exchange(other.pid_, -1);
  process_ = std::move(other.process_);
  output_ = std::move(other.output_);
  unread_ = std::move(other.unread_);
  return *this;
}

Result<ChildProcess> ChildProcess::start(const std::vector<std::string>& words,
                                         const std::string& log_file) {
  std::array<int, 2> pipe_ends{};
  if (::pipe2(pipe_ends.data(), O_CLOEXEC) != 0)
    return fail(Errc::internal, fmt::format("no pipe: {}", std::strerror(errno)));
  UniqueFd output(pipe_ends[0]);
  UniqueFd input(pipe_ends[1]);
  const UniqueFd log(::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  std::vector<std::string> copy = words;
  std::vector<char*> raw;
  for (auto& word : copy) raw.push_back(word.data());
  raw.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return fail(Errc::internal, fmt::format("no process: {}", std::strerror(errno)));
  if (pid == 0) become(raw.data(), input.get(), log.get(), parent);
  // By number: glibc 2.36 declares pidfd_open() without C linkage.
  UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  return ChildProcess(pid, std::move(process), std::move(output));
}

Result<std::string> ChildProcess::read_line(std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    if (const auto end = unread_.find('\n'); end != std::string::npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return line;
    }
    if (unread_.size() > output_line_bytes_max)
      return fail(Errc::too_large, "the child's line is too long");
    const auto left = std::max(
        std::chrono::milliseconds{0},
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()));
    if (!readable(output_.get(), left))
      return fail(Errc::timeout,
                  fmt::format("process {} said nothing for {} ms", pid_, patience.count()));
    std::array<char, 4096> piece{};
    const ssize_t count = ::read(output_.get(), piece.data(), piece.size());
    if (count <= 0) return fail(Errc::unavailable, fmt::format("process {} ended", pid_));
    unread_.append(piece.data(), static_cast<std::size_t>(count));
  }
}

void ChildProcess::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

std::optional<int> ChildProcess::wait(std::chrono::milliseconds patience) {
  if (pid_ <= 0) return std::nullopt;
  if (!readable(process_.get(), patience)) return std::nullopt;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  pid_ = -1;
  return status;
}

void ChildProcess::end() {
  if (pid_ <= 0) return;
  signal(SIGTERM);
  if (wait(child_end_patience)) return;
  signal(SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
}

std::string own_program() {
  std::error_code wrong;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", wrong);
  return wrong ? std::string("lobo") : path.string();
}

Result<ChildProcess> start_own(const std::vector<std::string>& words, const std::string& log_file) {
  std::vector<std::string> all{own_program()};
  all.insert(all.end(), words.begin(), words.end());
  return ChildProcess::start(all, log_file);
}

Result<std::vector<std::string>> ready_words(ChildProcess& child,
                                             std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return fail(Errc::timeout, "it is not ready");
    const auto line = child.read_line(left);
    if (!line) return fail(line.error());
    if (!line->starts_with("ready: ")) continue;
    std::vector<std::string> words;
    for (const auto word : split(std::string_view(*line).substr(7), ' ')) words.emplace_back(word);
    return words;
  }
}

}  // namespace lobo::app
