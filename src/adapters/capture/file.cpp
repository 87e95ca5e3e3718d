#include "adapters/capture/file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>

namespace lobo::adapters {
namespace {

FileIdentity identity_from(const struct stat& found) {
  return {.device = found.st_dev,
          .inode = found.st_ino,
          .regular = S_ISREG(found.st_mode),
          .bytes = S_ISREG(found.st_mode) ? static_cast<std::uint64_t>(found.st_size) : 0};
}

}  // namespace

UniqueFile& UniqueFile::operator=(UniqueFile&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
    ours_ = std::exchange(other.ours_, false);
  }
  return *this;
}

NewFile::~NewFile() {
  if (!path_.empty()) (void)::unlink(path_.c_str());
}

bool UniqueFile::close() {
  const int fd = std::exchange(fd_, -1);
  return fd < 0 || !std::exchange(ours_, false) || ::close(fd) == 0;
}

FileIdentity identity_of(int fd) {
  struct stat found{};
  return ::fstat(fd, &found) == 0 ? identity_from(found) : FileIdentity{};
}

FileIdentity identity_of_path(const char* path) {
  struct stat found{};
  return ::stat(path, &found) == 0 ? identity_from(found) : FileIdentity{};
}

}  // namespace lobo::adapters
