#include "toolbox/program.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/capture/file.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/text.hpp"

namespace lobo::app {
namespace {

using adapters::UniqueFile;

constexpr std::size_t complaint_bytes_max = 2000;
constexpr std::size_t line_bytes_max = 64 * 1024;
constexpr int first_handed_fd = 3;
constexpr int safe_fd = 64;  ///< far above those that a program is handed

struct Pipe {
  UniqueFile read;
  UniqueFile write;
};

Result<Pipe> new_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return fail(Errc::internal, fmt::format("no pipe: {}", std::strerror(errno)));
  return Pipe{UniqueFile(ends[0], true), UniqueFile(ends[1], true)};
}

/// Both outputs of the child until it closes them: lines of the first, the end of the second.
void listen(const ProgramCall& call, int output, int complaints, std::string& complaint) {
  std::array<pollfd, 2> from{{{.fd = output, .events = POLLIN, .revents = 0},
                              {.fd = complaints, .events = POLLIN, .revents = 0}}};
  std::string unread;
  std::array<char, 16384> piece{};
  while (from[0].fd >= 0 || from[1].fd >= 0) {
    if (::poll(from.data(), from.size(), -1) < 0 && errno != EINTR) return;
    for (auto& one : from) {
      if (one.fd < 0 || one.revents == 0) continue;
      const ssize_t count = ::read(one.fd, piece.data(), piece.size());
      if (count <= 0) {
        one.fd = -1;
        continue;
      }
      const std::string_view said(piece.data(), static_cast<std::size_t>(count));
      if (&one == &from[1]) {
        complaint += said;
        if (complaint.size() > complaint_bytes_max)
          complaint.erase(0, complaint.size() - complaint_bytes_max);
        continue;
      }
      unread += said;
      for (auto end = unread.find('\n'); end != std::string::npos; end = unread.find('\n')) {
        if (call.on_line) call.on_line(std::string_view(unread).substr(0, end));
        unread.erase(0, end + 1);
      }
      if (unread.size() > line_bytes_max) unread.clear();
    }
  }
}

/// Its descriptors: nothing to read, two pipes, then what it is handed, and no other.
class Descriptors {
 public:
  Descriptors() { ::posix_spawn_file_actions_init(&actions_); }
  Descriptors(const Descriptors&) = delete;
  Descriptors& operator=(const Descriptors&) = delete;
  ~Descriptors() { ::posix_spawn_file_actions_destroy(&actions_); }

  void hand(int fd, int as) {
    // Copied out of the way first, so that no copy falls on another's number.
    copies_.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, safe_fd), true);
    ::posix_spawn_file_actions_adddup2(&actions_, copies_.back().get(), as);
  }
  void nothing_to_read() {
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  /// Once the child has them: as long as we keep a pipe's end, it never ends.
  void let_go() { copies_.clear(); }

 private:
  posix_spawn_file_actions_t actions_{};
  std::vector<UniqueFile> copies_;
};

}  // namespace

Result<ScratchFile> ScratchFile::create() {
  const char* folder = std::getenv("TMPDIR");
  std::string name = fmt::format("{}/lobo-XXXXXX", folder && *folder ? folder : "/tmp");
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0)
    return fail(Errc::refused,
                fmt::format("no temporary file in {}: {}", name, std::strerror(errno)));
  ::unlink(name.c_str());
  return ScratchFile(UniqueFile(fd, true));
}

bool ScratchFile::append(Bytes bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) return false;
    if (count > 0) bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

void ScratchFile::rewind() const { ::lseek(file_.get(), 0, SEEK_SET); }

std::size_t ScratchFile::read(MutableBytes out) const {
  std::size_t filled = 0;
  while (filled < out.size()) {
    const ssize_t count = ::read(file_.get(), out.data() + filled, out.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    filled += static_cast<std::size_t>(count);
  }
  return filled;
}

Result<void> run_program(const ProgramCall& call) {
  const std::string& name = call.words.front();
  auto output = new_pipe();
  if (!output) return fail(output.error());
  auto complaints = new_pipe();
  if (!complaints) return fail(complaints.error());

  Descriptors descriptors;
  descriptors.nothing_to_read();
  descriptors.hand(output->write.get(), STDOUT_FILENO);
  descriptors.hand(complaints->write.get(), STDERR_FILENO);
  for (std::size_t i = 0; i < call.files.size(); ++i)
    descriptors.hand(call.files[i], first_handed_fd + static_cast<int>(i));

  std::vector<std::string> copy = call.words;
  std::vector<char*> words;
  words.reserve(copy.size() + 1);
  for (auto& word : copy) words.push_back(word.data());
  words.push_back(nullptr);
  pid_t pid = -1;
  const int wrong =
      ::posix_spawnp(&pid, words.front(), descriptors.actions(), nullptr, words.data(), environ);
  if (wrong == ENOENT)
    return fail(Errc::refused,
                fmt::format("the program {0} is not there: apt-get install {0}", name));
  if (wrong != 0) return fail(Errc::refused, fmt::format("{}: {}", name, std::strerror(wrong)));
  descriptors.let_go();
  output->write.close();
  complaints->write.close();

  std::string complaint;
  listen(call, output->read.get(), complaints->read.get(), complaint);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFEXITED(status) && (call.may_fail || WEXITSTATUS(status) == 0)) return {};
  const auto last = trim(complaint);
  return fail(Errc::refused,
              WIFSIGNALED(status)
                  ? fmt::format("{} was ended by signal {}", name, WTERMSIG(status))
                  : fmt::format("{} failed ({}): {}", name, WEXITSTATUS(status), last));
}

}  // namespace lobo::app
