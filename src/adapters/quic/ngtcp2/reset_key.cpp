#include "adapters/quic/ngtcp2/reset_key.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gnutls/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

#include "adapters/capture/file.hpp"
#include "base/result.hpp"

namespace lobo::adapters::quic {
namespace {

Result<ResetKey> fresh() {
  ResetKey key{};
  if (gnutls_rnd(GNUTLS_RND_KEY, key.data(), key.size()) != 0)
    return fail(Errc::internal, "no randomness for a stateless reset key");
  return key;
}

Result<ResetKey> held(int descriptor, const std::string& file) {
  struct stat facts{};
  if (::fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode))
    return fail(Errc::unavailable, fmt::format("{} is no file", file));
  if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return fail(Errc::forbidden, fmt::format("{} may be read by others: chmod 600 {}", file, file));
  ResetKey key{};
  std::uint8_t more = 0;
  if (::read(descriptor, key.data(), key.size()) != static_cast<ssize_t>(key.size()) ||
      ::read(descriptor, &more, 1) != 0)
    return fail(Errc::malformed,
                fmt::format("{} is no stateless reset key: {} octets", file, key.size()));
  return key;
}

}  // namespace

Result<ResetKey> reset_key(const std::string& file) {
  if (file.empty()) return fresh();
  const UniqueFile there(::open(file.c_str(), O_RDONLY | O_CLOEXEC), true);
  if (there.get() >= 0) return held(there.get(), file);
  if (errno != ENOENT)
    return fail(Errc::unavailable, fmt::format("{}: {}", file, std::strerror(errno)));
  auto key = fresh();
  if (!key) return key;
  // Written aside and then named: a program that dies here leaves no half of a key.
  const std::string aside = fmt::format("{}.{}", file, ::getpid());
  UniqueFile made(::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), true);
  if (made.get() < 0 ||
      ::write(made.get(), key->data(), key->size()) != static_cast<ssize_t>(key->size()) ||
      ::fsync(made.get()) != 0 || !made.close() || ::rename(aside.c_str(), file.c_str()) != 0) {
    const int why = errno;
    (void)::unlink(aside.c_str());
    return fail(Errc::unavailable, fmt::format("{}: {}", file, std::strerror(why)));
  }
  return key;
}

}  // namespace lobo::adapters::quic
