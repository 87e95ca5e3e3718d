#include "adapters/power/log_follower.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace lobo::adapters::power {
namespace {

constexpr std::size_t piece_bytes = 65536;

}  // namespace

LogFollower::LogFollower(std::string path) : path_(std::move(path)) {
  if (open_file())
    if (struct stat now{}; ::fstat(fd_, &now) == 0)
      offset_ = static_cast<std::uint64_t>(now.st_size);
}

LogFollower::~LogFollower() {
  if (fd_ >= 0) ::close(fd_);
}

bool LogFollower::open_file() {
  // A log that somebody replaced by a pipe must not hold us up.
  const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  struct stat now{};
  if (::fstat(fd, &now) != 0 || !S_ISREG(now.st_mode)) {
    ::close(fd);
    return false;
  }
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  device_ = now.st_dev;
  inode_ = now.st_ino;
  offset_ = 0;
  return true;
}

std::size_t LogFollower::read_some(std::size_t bytes_max,
                                   const std::function<void(std::string_view)>& piece) {
  std::array<char, piece_bytes> buffer;
  std::size_t all = 0;
  while (all < bytes_max) {
    const ssize_t got = ::pread(fd_, buffer.data(), std::min(buffer.size(), bytes_max - all),
                                static_cast<off_t>(offset_));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    const auto size = static_cast<std::size_t>(got);
    piece(std::string_view(buffer.data(), size));
    offset_ += size;
    all += size;
  }
  return all;
}

void LogFollower::look(const std::function<void(std::string_view)>& piece,
                       const std::function<void()>& begin_file) {
  if (fd_ < 0) {
    if (!open_file()) return;
    begin_file();
  }
  struct stat now{};
  if (::fstat(fd_, &now) == 0 && static_cast<std::uint64_t>(now.st_size) < offset_) {
    offset_ = 0;  // truncated in place
    ++rotations_;
    begin_file();
  }
  const std::size_t read = read_some(bytes_a_look_max, piece);
  if (read == bytes_a_look_max) return;
  struct stat named{};
  if (::stat(path_.c_str(), &named) != 0 || (named.st_dev == device_ && named.st_ino == inode_))
    return;
  // The writer goes on in the old file until it has opened the new one, so both are read now.
  if (!open_file()) return;
  ++rotations_;
  begin_file();
  read_some(bytes_a_look_max - read, piece);
}

}  // namespace lobo::adapters::power
