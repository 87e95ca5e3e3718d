#pragma once
// The contexts by which protected markings are opened: those of a key file, read again on request,
// and those that application servers agreed on over their key channels. The receiver that uses them
// is the worker's: it is handed what is to change, and changes it between two batches, so that no
// packet finds a context gone whose successor is not there. A context that stays the same keeps its
// replay windows.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "upf/handover.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/receiver.hpp"
#include "wire/xrm_keys/terms.hpp"

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
  using Contexts = std::vector<xrm::ContextSettings>;

  /// An empty path: no contexts of a file, ever. `to`: one for each worker, which gets contexts of
  /// its own. `reserved`: KeyIDs of application servers that
  /// have a key channel, one range each, which no context of the file may have.
  Keys(std::string path, const std::vector<Handover<KeyChange>*>& to,
       std::vector<xrm::KeyIdRange> reserved = {});

  /// Reads the file and hands over what changed; a fault leaves everything as it was.
  Result<void> reload();
  /// All that the application server of that range has agreed on. When it returns, the worker opens
  /// by it what it receives from then on.
  Result<void> agree(std::size_t range, Contexts contexts);
  /// Contexts of the file as last read.
  std::size_t contexts() const { return of_file_.size(); }

 private:
  Result<Contexts> read() const;
  struct Worker {
    Handover<KeyChange>* to = nullptr;
    Contexts taken;    ///< those that the worker had before what is on its way
    Contexts offered;  ///< those that it has with it
  };
  Result<void> hand_over();
  Result<std::unique_ptr<KeyChange>> change(const Contexts& before, const Contexts& wanted) const;

  std::string path_;
  std::vector<Worker> workers_;
  std::vector<xrm::KeyIdRange> reserved_;
  std::unique_ptr<xrm::Crypto> crypto_;
  Contexts of_file_;
  std::vector<Contexts> agreed_;  ///< by range
};

}  // namespace lobo::app
