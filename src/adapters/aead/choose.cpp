#include "adapters/aead/choose.hpp"

#include <memory>
#include <string>
#include <utility>

#include "adapters/aead/ipsec_mb.hpp"
#include "adapters/aead/lanes.hpp"
#include "adapters/aead/openssl.hpp"
#include "wire/xrm/aead.hpp"

namespace lobo::adapters::aead {

std::unique_ptr<xrm::Crypto> make_fastest() {
  auto fast = make_ipsec_mb();
  return with_lanes(fast ? std::move(*fast) : make_openssl());
}

std::string describe() {
  const auto used = make_fastest()->name();
  const auto other = make_openssl()->name();
  return used.starts_with(other) ? used + "; " + ipsec_mb_state()
                                 : used + "; " + other + " as fallback";
}

}  // namespace lobo::adapters::aead
