#include "upf/keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <ios>
#include <memory>
#include <string>
#include <utility>

#include "adapters/aead/choose.hpp"
#include "base/result.hpp"
#include "upf/handover.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/key_file.hpp"
#include "wire/xrm/receiver.hpp"

namespace lobo::app {

void KeyChange::apply(xrm::Receiver& receiver) {
  for (const xrm::KeyId id : remove) (void)receiver.remove(id);
  for (xrm::Context& context : add) (void)receiver.add(std::move(context));
  remove.clear();
  add.clear();
}

Keys::Keys(std::string path, Handover<KeyChange>& to)
    : path_(std::move(path)), to_(to), crypto_(adapters::aead::make_fastest()) {}

Result<Keys::Contexts> Keys::read() const {
  if (path_.empty()) return Contexts{};
  std::ifstream file(path_, std::ios::binary);
  std::string text(xrm::key_file_bytes_max + 1, '\0');
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file && !file.eof()) return fail(Errc::not_found, fmt::format("{}: cannot be read", path_));
  text.resize(static_cast<std::size_t>(file.gcount()));
  auto keys = xrm::read_key_file(text);
  if (!keys) return fail(std::move(keys.error()));
  return std::move(keys->contexts);
}

Result<void> Keys::reload() {
  auto wanted = read();
  if (!wanted) return fail(std::move(wanted.error()));
  // What is on its way and was not taken yet is as if it had never been.
  auto returned = to_.take_back();
  const Contexts& before = returned ? taken_ : offered_;
  auto change = std::make_unique<KeyChange>();
  for (const auto& one : *wanted) {
    if (std::ranges::find(before, one) != before.end()) continue;
    auto context = xrm::Context::create(one, *crypto_);
    if (!context) {
      if (returned) to_.give(std::move(returned));
      return fail(std::move(context.error()));
    }
    change->add.push_back(std::move(*context));
  }
  for (const auto& one : before)
    if (std::ranges::find(*wanted, one) == wanted->end()) change->remove.push_back(one.key_id);
  if (!returned) taken_ = std::move(offered_);
  offered_ = std::move(*wanted);
  to_.give(std::move(change));
  return {};
}

}  // namespace lobo::app
