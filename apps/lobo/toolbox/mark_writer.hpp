#pragma once
// Puts a mark into a packet, as a header extension or as a UDP option (clear or protected), and
// takes marks out again.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/pdu_set.hpp"
#include "toolbox/edit.hpp"
#include "wire/packet/parse.hpp"
#include "wire/rtp/edit.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/auth.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/option.hpp"
#include "wire/xrm/sender.hpp"

namespace lobo::app {

enum class Carry : std::uint8_t { none, rtp_extension, option };

struct WriteSettings {
  Carry carry = Carry::rtp_extension;
  std::uint8_t extension_id = 1;
  rtp::FormRules form;
  bool with_size = true;   ///< PSSize in the header extension
  bool with_count = true;  ///< NPDS in the header extension
  xrm::OptionKind option;
  std::string key_file;                ///< empty: the option is clear
  std::optional<std::uint8_t> key_id;  ///< none: the first context of the file
  std::uint16_t sid = 1;
  std::uint32_t first_counter = 0;
  bool apc = false;                      ///< APC in front of the option
  std::optional<std::uint8_t> auth_key;  ///< AUTH behind it, by this key of the file
  /// Without a key file: the option is protected by keys that rekey() brings, with tags of this
  /// length. Until the first one comes nothing is marked.
  std::optional<xrm::TagLength> keys_come;
};

class MarkWriter {
 public:
  static Result<MarkWriter> create(const WriteSettings& settings);

  /// What the IP packet of `view` will be long once it is marked; PSSize counts it. 0: it cannot be
  /// marked.
  std::uint32_t marked_ip_bytes(const packet::PacketView& view);

  /// Writes the frame of `view` with the mark in it. Its length; 0 if it cannot be marked.
  std::size_t put(MutableBytes out, const packet::PacketView& view, const PduSetMark& mark);

  /// The mark with the numbers that its own extension changes: a PSN of 16 bits makes each option
  /// of its set longer.
  PduSetMark settled(PduSetMark mark) const;
  /// Bytes by which that mark makes its packet longer than marked_ip_bytes() said.
  std::size_t added_by(const PduSetMark& mark) const;

  Carry carry() const { return settings_.carry; }
  /// A packet could not be sealed: the key has no counters left for this sender.
  bool exhausted() const { return exhausted_; }
  /// From now on no packet can be sealed.
  void stop_sealing() { exhausted_ = true; }
  /// Where keys come: packets are sealed by this one from now on, counted from 0. The key must
  /// never have been used before. Null: there is none.
  Result<void> rekey(const xrm::ContextSettings* key);
  /// With keys: the sender, which tells the counter that comes next.
  const xrm::Sender* sender() const { return sender_.get(); }

 private:
  explicit MarkWriter(const WriteSettings& settings)
      : settings_(settings), user_(frame_room), extended_(frame_room) {}

  std::size_t put_extension(MutableBytes out, const packet::PacketView& view,
                            const PduSetMark& mark);
  std::size_t put_option(MutableBytes out, const packet::PacketView& view, const PduSetMark& mark);
  std::size_t body_bytes() const;
  bool is_protected() const { return sender_ != nullptr || settings_.keys_come.has_value(); }
  /// Bytes of all options that are put into this packet.
  std::size_t options_bytes(const packet::PacketView& view) const;
  bool adds_apc(const packet::PacketView& view) const;
  /// Fills in the MAC of the frame's AUTH, and OCS.
  bool authenticate(MutableBytes frame, std::size_t ip_at);

  WriteSettings settings_;
  std::unique_ptr<xrm::Crypto> crypto_;
  std::unique_ptr<xrm::Sender> sender_;  ///< with keys
  std::size_t tag_bytes_ = 0;
  bool exhausted_ = false;
  std::unique_ptr<xrm::Mac> auth_mac_;  ///< with an AUTH key
  xrm::AuthCover auth_cover_{};
  std::vector<std::byte> user_;
  std::vector<std::byte> extended_;
};

struct StripSettings {
  bool extension = true;
  bool option = true;
  bool whole_surplus = false;  ///< with `option`: all UDP options go, APC and AUTH among them
  std::uint8_t extension_id = 1;
  xrm::OptionKind kind;
};

/// Takes marks out of the packet of `view`.
class MarkStripper {
 public:
  explicit MarkStripper(const StripSettings& settings)
      : settings_(settings), user_(frame_room), frame_(frame_room) {}
  /// The frame's length; 0 if there was nothing to take out.
  std::size_t strip(MutableBytes out, const packet::PacketView& view);

 private:
  std::size_t strip_extension(MutableBytes out, const packet::PacketView& view);
  std::size_t strip_option(MutableBytes out, const packet::PacketView& view) const;

  StripSettings settings_;
  std::vector<std::byte> user_;
  std::vector<std::byte> frame_;
};

}  // namespace lobo::app
