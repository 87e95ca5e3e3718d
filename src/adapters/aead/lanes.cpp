#include "adapters/aead/lanes.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "adapters/aead/lanes_gcm.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/xrm/aead.hpp"

namespace lobo::adapters::aead {
namespace {

using xrm::Algorithm;

class LanesAead final : public xrm::Aead {
 public:
  LanesAead(Bytes key, const lanes::Way& way, std::unique_ptr<xrm::Aead> library)
      : way_(way), library_(std::move(library)) {
    way_.make_key(key, key_);
  }
  ~LanesAead() override { xrm::wipe(std::as_writable_bytes(std::span(&key_, 1))); }

  bool seal(std::span<xrm::SealJob> jobs) noexcept override { return library_->seal(jobs); }

  void open(std::span<xrm::OpenJob> jobs) noexcept override {
    while (!jobs.empty()) {
      std::size_t usual = 0;
      while (usual < jobs.size() && lanes::is_usual(jobs[usual])) ++usual;
      if (usual > 0) {
        way_.open(key_, jobs.first(usual));
      } else {
        usual = 1;
        library_->open(jobs.first(usual));
      }
      jobs = jobs.subspan(usual);
    }
  }

 private:
  lanes::GcmKey key_;
  lanes::Way way_;
  std::unique_ptr<xrm::Aead> library_;
};

class WithLanes final : public xrm::Crypto {
 public:
  WithLanes(std::unique_ptr<xrm::Crypto> library, const lanes::Way& way)
      : library_(std::move(library)), way_(way) {}

  Result<std::unique_ptr<xrm::Aead>> aead(Algorithm algorithm, Bytes key) const override {
    auto made = library_->aead(algorithm, key);
    if (!made || algorithm == Algorithm::chacha20_poly1305) return made;
    return std::make_unique<LanesAead>(key, way_, std::move(*made));
  }
  Result<std::unique_ptr<xrm::Mac>> aes_128_cmac(Bytes key) const override {
    return library_->aes_128_cmac(key);
  }
  std::string name() const override {
    return library_->name() + ", options opened in lanes (" + std::string(way_.name) + ")";
  }

 private:
  std::unique_ptr<xrm::Crypto> library_;
  lanes::Way way_;
};

}  // namespace

std::unique_ptr<xrm::Crypto> with_lanes(std::unique_ptr<xrm::Crypto> library, LanesPath path) {
  const auto way = lanes::way_of(path);
  if (!way) return library;
  return std::make_unique<WithLanes>(std::move(library), *way);
}

}  // namespace lobo::adapters::aead
