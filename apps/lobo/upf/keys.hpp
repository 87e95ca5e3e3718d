#pragma once
// The contexts by which protected markings are opened, from a key file, read again on request. The
// receiver that uses them is the worker's: it is handed what is to change, and changes it between
// two batches, so that no packet finds a context gone whose successor is not there. A context that
// stays the same keeps its replay windows.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "upf/handover.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/receiver.hpp"

namespace lobo::app {

/// For the receiver: applied once, as a whole.
struct KeyChange {
  std::vector<xrm::KeyId> remove;
  std::vector<xrm::Context> add;

  /// The worker, between two batches.
  void apply(xrm::Receiver& receiver);
};

class Keys {
 public:
  /// An empty path: no contexts, ever.
  Keys(std::string path, Handover<KeyChange>& to);

  /// Reads the file and hands over what changed; a fault leaves everything as it was.
  Result<void> reload();
  /// Contexts of the file as last read.
  std::size_t contexts() const { return offered_.size(); }

 private:
  using Contexts = std::vector<xrm::ContextSettings>;
  Result<Contexts> read() const;

  std::string path_;
  Handover<KeyChange>& to_;
  std::unique_ptr<xrm::Crypto> crypto_;
  Contexts taken_;    ///< those that the worker had before what is on its way
  Contexts offered_;  ///< those that it has with it
};

}  // namespace lobo::app
