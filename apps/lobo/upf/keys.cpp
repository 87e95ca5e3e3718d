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

Keys::Keys(std::string path, Handover<KeyChange>& to, std::vector<xrm::KeyIdRange> reserved)
    : path_(std::move(path)),
      to_(to),
      reserved_(std::move(reserved)),
      crypto_(adapters::aead::make_fastest()),
      agreed_(reserved_.size()) {}

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

Result<void> Keys::hand_over() {
  Contexts wanted = of_file_;
  for (const Contexts& some : agreed_) wanted.insert(wanted.end(), some.begin(), some.end());
  // What is on its way and was not taken yet is as if it had never been.
  auto returned = to_.take_back();
  const Contexts& before = returned ? taken_ : offered_;
  auto change = std::make_unique<KeyChange>();
  for (const auto& one : wanted) {
    if (std::ranges::find(before, one) != before.end()) continue;
    auto context = xrm::Context::create(one, *crypto_);
    if (!context) {
      if (returned) to_.give(std::move(returned));
      return fail(std::move(context.error()));
    }
    change->add.push_back(std::move(*context));
  }
  for (const auto& one : before)
    if (std::ranges::find(wanted, one) == wanted.end()) change->remove.push_back(one.key_id);
  if (!returned) taken_ = std::move(offered_);
  offered_ = std::move(wanted);
  to_.give(std::move(change));
  return {};
}

}  // namespace lobo::app
