#pragma once
// A descriptor that is closed, unless it is a standard stream, and how two names of one file are
// recognised.

#include <cstdint>
#include <string>
#include <utility>

namespace lobo::adapters {

class UniqueFile {
 public:
  UniqueFile() = default;
  UniqueFile(int fd, bool ours) : fd_(fd), ours_(ours) {}
  UniqueFile(UniqueFile&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), ours_(std::exchange(other.ours_, false)) {}
  UniqueFile& operator=(UniqueFile&& other) noexcept;
  ~UniqueFile() { close(); }
  int get() const { return fd_; }
  /// Opened by us, and closed by us.
  bool ours() const { return ours_; }
  /// False if what was written may not have arrived.
  bool close();

 private:
  int fd_ = -1;
  bool ours_ = false;
};

/// A file that was made for output which then never came: it goes again, unless kept.
class NewFile {
 public:
  NewFile() = default;
  explicit NewFile(std::string path) : path_(std::move(path)) {}
  NewFile(NewFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  NewFile& operator=(NewFile&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~NewFile();
  void keep() { path_.clear(); }

 private:
  std::string path_;
};

struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  bool regular = false;
  std::uint64_t bytes = 0;  ///< of a regular file
  bool same_file(const FileIdentity& other) const {
    return regular && other.regular && device == other.device && inode == other.inode;
  }
};

FileIdentity identity_of(int fd);
/// Of a path that may not exist.
FileIdentity identity_of_path(const char* path);

}  // namespace lobo::adapters
