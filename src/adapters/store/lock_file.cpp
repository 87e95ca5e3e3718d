#include "adapters/store/lock_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <system_error>
#include <utility>

#include "base/result.hpp"
#include "base/text.hpp"

namespace lobo::adapters::store {
namespace {

std::string words_for(int number) { return std::generic_category().message(number); }

std::string holder_of(int fd) {
  std::array<char, 16> digits{};
  const ssize_t size = ::pread(fd, digits.data(), digits.size(), 0);
  const auto text = trim({digits.data(), size > 0 ? static_cast<std::size_t>(size) : 0});
  return parse_decimal(text) ? fmt::format("process {}", text) : std::string("another process");
}

}  // namespace

Result<LockFile> LockFile::take(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return fail(Errc::unavailable, fmt::format("store lock {}: {}; the folder must exist and be "
                                               "writable",
                                               path, words_for(errno)));
  LockFile lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int why = errno;
    if (why == EWOULDBLOCK)
      return fail(Errc::conflict, fmt::format("store lock {}: {} has this store open; stop it, or "
                                              "name another file in the configuration",
                                              path, holder_of(fd)));
    return fail(Errc::unavailable, fmt::format("store lock {}: {}", path, words_for(why)));
  }
  // The process id is for the message above only; the lock does not depend on it.
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0)
    return fail(Errc::unavailable, fmt::format("store lock {}: {}", path, words_for(errno)));
  return lock;
}

LockFile::LockFile(LockFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
LockFile& LockFile::operator=(LockFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
LockFile::~LockFile() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace lobo::adapters::store
