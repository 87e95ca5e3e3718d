// Built in place of ../ngtcp2 where its libraries are not there.
#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "adapters/http/loop.hpp"
#include "adapters/quic/links.hpp"
#include "adapters/quic/quic.hpp"
#include "base/result.hpp"

namespace lobo::adapters::quic {
namespace {

constexpr const char* missing = "this program was built without libngtcp2-dev: it has no QUIC";

}  // namespace

Result<std::unique_ptr<Endpoint>> open(EventLoop&, const Settings&, LinkEvents&) {
  return fail(Errc::unavailable, missing);
}
Result<std::array<std::uint8_t, 32>> certificate_sha256(const std::string&) {
  return fail(Errc::unavailable, missing);
}
bool built_in() { return false; }
std::string describe() {
  return "off (built without libngtcp2-dev, libngtcp2-crypto-gnutls-dev and libnghttp3-dev)";
}

}  // namespace lobo::adapters::quic
