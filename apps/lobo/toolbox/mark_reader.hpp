#pragma once
// Finds what a packet says of its PDU Set, wherever it says it: header extension, UDP option (clear
// or protected), GTP-U containers. One mark, or the one reason why there is none.

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/pdu_set.hpp"
#include "toolbox/layers.hpp"
#include "toolbox/reason.hpp"
#include "toolbox/stream_key.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/containers.hpp"
#include "wire/rtp/packet.hpp"
#include "wire/udp_options/surplus.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/auth.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/option.hpp"
#include "wire/xrm/receiver.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::app {

struct ReadSettings {
  std::uint8_t extension_id = 1;  ///< of urn:3gpp:pdu-set-marking:rel-18, as SDP would bind it
  xrm::OptionKind option;
  xrm::Leniency leniency = xrm::Leniency::lenient;
  std::string key_file;             ///< empty: protected marks stay sealed
  bool protected_only = false;      ///< a clear option is refused
  bool carriages_in_packet = true;  ///< false: only the containers around it are asked
  gtpu::Release release = gtpu::Release::rel19;
};

enum class Carriage : std::uint8_t { none, rtp_extension, option, protected_option, containers };

constexpr std::string_view to_string(Carriage carriage) {
  switch (carriage) {
    case Carriage::none: return "-";
    case Carriage::rtp_extension: return "rtp-he";
    case Carriage::option: return "udp-option";
    case Carriage::protected_option: return "protected";
    case Carriage::containers: return "n3";
  }
  std::abort();
}

struct Reading {
  Reason reason = Reason::unmarked;
  Carriage carriage = Carriage::none;  ///< of the mark, or of what is wrong
  PduSetMark mark;                     ///< with Reason::marked and Reason::carriages_differ
  xrm::Warnings warnings;
  bool is_rtp = false;
  rtp::RtpView rtp;                        ///< with is_rtp
  std::optional<gtpu::DlSession> session;  ///< of the PDU Session Container
  std::optional<std::uint8_t> set_qfi;     ///< of the PDU Set Information Container

  /// Of the packet that was read.
  StreamKey stream(const Layers& layers) const {
    return {layers.inner.flow, is_rtp ? rtp.ssrc : 0};
  }
  bool found = false;  ///< a mark was read, whatever is wrong besides
  bool has_mark() const { return holds() || reason == Reason::carriages_differ; }
  /// A mark to go by. One of a damaged datagram is: who asked for APC decides what that means.
  bool holds() const { return found && (reason == Reason::marked || reason == Reason::apc_wrong); }
};

/// The text of a key file, at most what a key file may be long.
Result<std::string> read_key_text(const std::string& path);

class MarkReader {
 public:
  static Result<MarkReader> create(const ReadSettings& settings);

  /// Of the user's packet in `layers`.
  void read(const Layers& layers, Reading& reading);

 private:
  explicit MarkReader(const ReadSettings& settings) : settings_(settings) {}

  void read_extension(Reading& reading) const;
  void read_surplus(const packet::PacketView& view, Reading& reading);
  void read_option(const udp_options::Surplus& surplus, const packet::PacketView& view,
                   Reading& reading);
  /// False where AUTH is there, its key is known, and it does not hold.
  bool authentic(const udp_options::Surplus& surplus, const packet::PacketView& view);
  void read_containers(const gtpu::GtpuView& tunnel, Reading& reading) const;

  ReadSettings settings_;
  std::unique_ptr<xrm::Crypto> crypto_;
  std::unique_ptr<xrm::Receiver> receiver_;  ///< none without keys
  struct AuthCheck {
    xrm::KeyId id{};
    xrm::AuthCover cover{};
    std::unique_ptr<xrm::Mac> mac;
  };
  std::vector<AuthCheck> auth_;
};

}  // namespace lobo::app
