#pragma once
// Follows a log that somebody else writes and rotates: by rename (the rest of the old file is read
// first) or by truncation. One look reads a bounded amount; what is left waits for the next.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace lobo::adapters::power {

inline constexpr std::size_t bytes_a_look_max = std::size_t{16} << 20U;

class LogFollower {
 public:
  /// Begins at the end of what is there: what was served before is not ours to tell.
  explicit LogFollower(std::string path);
  ~LogFollower();
  LogFollower(const LogFollower&) = delete;
  LogFollower& operator=(const LogFollower&) = delete;

  /// Gives what was written since the last look, in pieces. `begin_file` is called before the first
  /// piece of another file: what was cut off at the end of the one before is no line.
  void look(const std::function<void(std::string_view)>& piece,
            const std::function<void()>& begin_file);

  std::uint64_t rotations() const { return rotations_; }
  bool open() const { return fd_ >= 0; }

 private:
  bool open_file();
  std::size_t read_some(std::size_t bytes_max, const std::function<void(std::string_view)>& piece);

  std::string path_;
  int fd_ = -1;
  std::uint64_t device_ = 0, inode_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t rotations_ = 0;
};

}  // namespace lobo::adapters::power
