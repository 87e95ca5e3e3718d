// What comes over a key channel, through both ends' machines: whatever is said and whenever, no
// more keys live than may, none outside what was agreed, none in use that was not offered and
// accepted, and what is read is written the same.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>
#include <variant>

#include "base/require.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm_keys/acceptor.hpp"
#include "wire/xrm_keys/failure.hpp"
#include "wire/xrm_keys/message.hpp"
#include "wire/xrm_keys/offerer.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace {

using lobo::require;
using namespace std::chrono_literals;
namespace xrm = lobo::xrm;
using xrm::ChannelTime;
using xrm::KeyAcceptor;
using xrm::KeyFailure;
using xrm::KeyId;
using xrm::KeyOfferer;
using xrm::SenderId;

class Ends {
 public:
  Ends() {
    act(upf_.tick(now_));
    act(upf_.connected(now_));
    act(eas_.connected(now_));
  }

  void line(std::string_view line) {
    const auto message = xrm::read_key_message(line);
    if (!message) {
      act(upf_.malformed(message.error(), now_));
      act(eas_.malformed(message.error(), now_));
    } else {
      const auto again = xrm::read_key_message(without_end(xrm::write_key_message(*message)));
      require(again.has_value() && *again == *message);
      act(upf_.received(*message, now_));
      act(eas_.received(*message, now_));
    }
    check();
  }
  void too_long() {
    act(upf_.malformed(KeyFailure::message_malformed, now_));
    act(eas_.malformed(KeyFailure::message_malformed, now_));
  }
  /// Time passes, and where an end gave up there is another connection.
  void pass(ChannelTime by) {
    now_ += by;
    act(upf_.tick(now_));
    act(eas_.tick(now_));
    check();
  }

 private:
  static std::string_view without_end(std::string_view text) {
    return text.substr(0, text.size() - 1);
  }
  void act(const KeyAcceptor::Effects& effects) {
    for (const auto& effect : effects) {
      if (std::holds_alternative<KeyAcceptor::Dial>(effect)) {
        given_.clear();
        act(upf_.connected(now_));
        act(eas_.connected(now_));
      }
      if (const auto* install = std::get_if<KeyAcceptor::Install>(&effect)) {
        require(given_.insert(install->terms.key_id).second);
        act(upf_.installed(true, now_));
      }
    }
  }
  void act(const KeyOfferer::Effects& effects) {
    for (const auto& effect : effects) {
      if (const auto* say = std::get_if<KeyOfferer::Send>(&effect))
        if (const auto* offer = std::get_if<xrm::ContextOffer>(&say->message))
          offered_.insert(offer->terms.key_id);
      if (const auto* use = std::get_if<KeyOfferer::Use>(&effect))
        require(offered_.contains(use->terms.key_id) && use->expires > now_);
    }
  }
  void check() const {
    require(upf_.live().size() <= xrm::keys_live_max);
    for (const auto& one : upf_.live()) {
      require(upf_.config().key_ids.contains(one.terms.key_id));
      require(one.terms.tag == xrm::TagLength::full && one.terms.bind == xrm::Bind::full);
      require(one.expires > now_ && one.terms.lifetime <= upf_.config().lifetime_max);
      require(one.terms.senders.last <= upf_.config().senders.last);
    }
    if (eas_.current()) require(eas_.current()->expires > now_);
  }

  ChannelTime now_{};
  KeyAcceptor upf_{
      {.eas = "eas1", .key_ids = {KeyId{192}, KeyId{195}}, .senders = {SenderId{1}, SenderId{64}}}};
  KeyOfferer eas_{{.eas = "eas1", .senders = {SenderId{1}, SenderId{4}}, .lifetime = 16s}};
  std::set<KeyId> given_;
  std::set<KeyId> offered_;
};

}  // namespace

/// Lines; the octet in front of each says how long it took to come.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Ends ends;
  while (!text.empty()) {
    const auto waited = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    if (waited >= 0x80) ends.pass(100ms * (waited - 0x80));
    xrm::KeyLines lines;
    while (!text.empty() && !lines.whole())
      if (!lines.take(text)) {
        ends.too_long();
        break;
      }
    if (lines.whole()) ends.line(lines.line());
  }
  return 0;
}
