#pragma once
// Memory that is shared with the kernel, or with nobody, and given back.

#include <sys/mman.h>

#include <cstddef>
#include <utility>

#include "base/bytes.hpp"

namespace lobo::adapters::packet_io {

class Mapping {
 public:
  Mapping() = default;
  /// Of a socket's ring; empty where the operating system refuses, and errno says why.
  static Mapping of_ring(int socket, std::size_t size) {
    return {::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, socket, 0),
            size};
  }
  static Mapping of_memory(std::size_t size) {
    return {::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0),
            size};
  }
  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Mapping() {
    if (data_ != nullptr) ::munmap(data_, size_);
  }
  explicit operator bool() const { return data_ != nullptr; }
  MutableBytes bytes() const { return {data_, size_}; }

 private:
  Mapping(void* data, std::size_t size)
      : data_(data == MAP_FAILED ? nullptr : static_cast<std::byte*>(data)),
        size_(data_ == nullptr ? 0 : size) {}

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace lobo::adapters::packet_io
