#pragma once
// Every library that offers the ports of wire/xrm/aead.hpp, for tests that all of them must pass.

#include <gtest/gtest.h>

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/aead/ipsec_mb.hpp"
#include "adapters/aead/lanes.hpp"
#include "adapters/aead/lanes_gcm.hpp"
#include "adapters/aead/openssl.hpp"
#include "base/bytes.hpp"
#include "wire/xrm/aead.hpp"

namespace lobo::adapters::aead {

enum class Library { openssl, ipsec_mb, ipsec_mb_sse, lanes, lanes_aes_ni };

inline std::string library_name(Library library) {
  switch (library) {
    case Library::openssl: return "openssl";
    case Library::ipsec_mb: return "ipsec_mb";
    case Library::ipsec_mb_sse: return "ipsec_mb_sse";
    case Library::lanes: return "lanes";
    case Library::lanes_aes_ni: return "lanes_aes_ni";
  }
  std::abort();
}

inline std::unique_ptr<xrm::Crypto> make_lanes(LanesPath path) {
  if (!lanes::way_of(path)) return nullptr;
  return with_lanes(make_openssl(), path);
}

/// Null where the library was not built in, or the processor cannot.
inline std::unique_ptr<xrm::Crypto> make(Library library) {
  if (library == Library::openssl) return make_openssl();
  if (library == Library::lanes) return make_lanes(LanesPath::fastest);
  if (library == Library::lanes_aes_ni) return make_lanes(LanesPath::aes_ni);
  auto made = make_ipsec_mb(library == Library::ipsec_mb ? IpsecMbPath::fastest : IpsecMbPath::sse);
  return made ? std::move(*made) : nullptr;
}

class EachLibrary : public testing::TestWithParam<Library> {
 protected:
  void SetUp() override {
    crypto_ = make(GetParam());
    if (!crypto_) GTEST_SKIP() << library_name(GetParam()) << " is not there";
  }
  const xrm::Crypto& crypto() const { return *crypto_; }
  std::unique_ptr<xrm::Aead> aead(xrm::Algorithm algorithm, Bytes key) const {
    auto made = crypto_->aead(algorithm, key);
    EXPECT_TRUE(made) << made.error().detail;
    return std::move(*made);
  }

 private:
  std::unique_ptr<xrm::Crypto> crypto_;
};

inline const auto each_library =
    testing::Values(Library::openssl, Library::ipsec_mb, Library::ipsec_mb_sse, Library::lanes,
                    Library::lanes_aes_ni);
inline std::string name_of_library(const testing::TestParamInfo<Library>& info) {
  return library_name(info.param);
}

/// Octets of hexadecimal digits; blanks between them do not matter.
inline std::vector<std::byte> from_hex(std::string_view text) {
  std::vector<std::byte> bytes;
  std::string digits;
  for (const char c : text) {
    if (c == ' ' || c == '\n') continue;
    digits += c;
    if (digits.size() < 2) continue;
    bytes.push_back(static_cast<std::byte>(std::stoul(digits, nullptr, 16)));
    digits.clear();
  }
  return bytes;
}

}  // namespace lobo::adapters::aead
