#pragma once
// Which library is used where nobody asked for a certain one.

#include <memory>
#include <string>

#include "wire/xrm/aead.hpp"

namespace lobo::adapters::aead {

/// ipsec-mb where it was built and the processor can, else OpenSSL; lanes in front of it where the
/// processor has the instructions.
std::unique_ptr<xrm::Crypto> make_fastest();

/// A line for `lobo version`: what is used, and why not the faster one.
std::string describe();

}  // namespace lobo::adapters::aead
