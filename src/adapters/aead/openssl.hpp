#pragma once
// AEAD and CMAC by OpenSSL, with contexts that are reused: everywhere there, and what the faster
// library is held against.

#include <memory>

#include "wire/xrm/aead.hpp"

namespace lobo::adapters::aead {

std::unique_ptr<xrm::Crypto> make_openssl();

}  // namespace lobo::adapters::aead
