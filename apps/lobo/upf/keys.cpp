#include "upf/keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <ios>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/aead/choose.hpp"
#include "base/result.hpp"
#include "upf/handover.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/key_file.hpp"
#include "wire/xrm/receiver.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::app {

void KeyChange::apply(xrm::Receiver& receiver) {
  for (const xrm::KeyId id : remove) (void)receiver.remove(id);
  for (xrm::Context& context : add) (void)receiver.add(std::move(context));
  remove.clear();
  add.clear();
}

Keys::Keys(std::string path, const std::vector<Handover<KeyChange>*>& to,
           std::vector<xrm::KeyIdRange> reserved)
    : path_(std::move(path)),
      reserved_(std::move(reserved)),
      crypto_(adapters::aead::make_fastest()),
      agreed_(reserved_.size()) {
  for (Handover<KeyChange>* const one : to)
    workers_.push_back({.to = one, .taken = {}, .offered = {}});
}

Result<Keys::Contexts> Keys::read() const {
  if (path_.empty()) return Contexts{};
  std::ifstream file(path_, std::ios::binary);
  std::string text(xrm::key_file_bytes_max + 1, '\0');
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file && !file.eof()) return fail(Errc::not_found, fmt::format("{}: cannot be read", path_));
  text.resize(static_cast<std::size_t>(file.gcount()));
  auto keys = xrm::read_key_file(text);
  if (!keys) return fail(std::move(keys.error()));
  const std::size_t room = xrm::contexts_max - xrm::keys_live_max * reserved_.size();
  if (keys->contexts.size() > room)
    return fail(Errc::too_many,
                fmt::format("{}: beside {} key channels there is room for {} contexts", path_,
                            reserved_.size(), room));
  for (const xrm::ContextSettings& one : keys->contexts)
    for (const xrm::KeyIdRange& range : reserved_)
      if (range.contains(one.key_id))
        return fail(Errc::conflict,
                    fmt::format("{}: id {} is of the key_ids of an application server with a key "
                                "channel",
                                path_, static_cast<unsigned>(one.key_id)));
  return std::move(keys->contexts);
}

Result<void> Keys::reload() {
  auto wanted = read();
  if (!wanted) return fail(std::move(wanted.error()));
  std::swap(of_file_, *wanted);
  auto done = hand_over();
  if (!done) std::swap(of_file_, *wanted);
  return done;
}

Result<void> Keys::agree(std::size_t range, Contexts contexts) {
  std::swap(agreed_[range], contexts);
  auto done = hand_over();
  if (!done) std::swap(agreed_[range], contexts);
  return done;
}

Result<std::unique_ptr<KeyChange>> Keys::change(const Contexts& before,
                                                const Contexts& wanted) const {
  auto change = std::make_unique<KeyChange>();
  for (const auto& one : wanted) {
    if (std::ranges::find(before, one) != before.end()) continue;
    auto context = xrm::Context::create(one, *crypto_);
    if (!context) return fail(std::move(context.error()));
    change->add.push_back(std::move(*context));
  }
  for (const auto& one : before)
    if (std::ranges::find(wanted, one) == wanted.end()) change->remove.push_back(one.key_id);
  return change;
}

/// To all workers, or to none where a context cannot be made.
Result<void> Keys::hand_over() {
  Contexts wanted = of_file_;
  for (const Contexts& some : agreed_) wanted.insert(wanted.end(), some.begin(), some.end());
  std::vector<std::unique_ptr<KeyChange>> returned, changes;
  for (const Worker& one : workers_) {
    // What is on its way and was not taken yet is as if it had never been.
    returned.push_back(one.to->take_back());
    auto made = change(returned.back() ? one.taken : one.offered, wanted);
    if (!made) {
      for (std::size_t i = 0; i < returned.size(); ++i)
        if (returned[i]) workers_[i].to->give(std::move(returned[i]));
      return fail(std::move(made.error()));
    }
    changes.push_back(std::move(*made));
  }
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    Worker& one = workers_[i];
    if (!returned[i]) one.taken = std::move(one.offered);
    one.offered = wanted;
    one.to->give(std::move(changes[i]));
  }
  return {};
}

}  // namespace lobo::app
