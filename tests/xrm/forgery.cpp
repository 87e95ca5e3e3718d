// How often a forged option is believed.
//
//   xrm_forgery port TAG_OCTETS TRIES SEED      forged ciphertexts and tags at the port Aead
//   xrm_forgery receiver TRIES SEED             forged options of every kind at a Receiver
//
// Tags of two octets are known to the port and to no context: there is no way to configure them.
// Prints one JSON line {"tries":…,"accepted":…}.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/aead/choose.hpp"
#include "base/bytes.hpp"
#include "base/require.hpp"
#include "base/rng.hpp"
#include "model/pdu_set.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/protected.hpp"
#include "wire/xrm/receiver.hpp"
#include "wire/xrm/sender.hpp"

namespace lobo {
namespace {

constexpr std::size_t batch = xrm::batch_jobs_max;

std::vector<std::byte> random_bytes(Rng& rng, std::size_t count) {
  std::vector<std::byte> out(count);
  for (std::byte& b : out) b = static_cast<std::byte>(rng.next() >> 56U);
  return out;
}

/// Overwrites with random octets, eight at a time.
void fill(Rng& rng, MutableBytes out) {
  for (; !out.empty(); out = out.subspan(std::min<std::size_t>(out.size(), 8))) {
    const std::uint64_t word = rng.next();
    std::memcpy(out.data(), &word, std::min<std::size_t>(out.size(), sizeof word));
  }
}

std::uint64_t at_the_port(std::size_t tag_bytes, std::uint64_t tries, Rng& rng) {
  const auto crypto = adapters::aead::make_fastest();
  const auto aead = std::move(*crypto->aead(xrm::Algorithm::aes_128_gcm, random_bytes(rng, 16)));
  struct Forged {
    xrm::Nonce nonce;
    xrm::Aad aad;
    std::array<std::byte, xrm::block_bytes> sealed;
    std::array<std::byte, xrm::tag_bytes_full> tag;
    std::array<std::byte, xrm::block_bytes> plain;
  };
  std::array<Forged, batch> forged;
  std::array<xrm::OpenJob, batch> jobs;
  for (std::size_t i = 0; i < batch; ++i)
    jobs[i] = {&forged[i].nonce, forged[i].aad, forged[i].sealed,
               Bytes(forged[i].tag).first(tag_bytes), forged[i].plain};
  std::uint64_t accepted = 0;
  for (std::uint64_t done = 0; done < tries; done += batch) {
    const std::size_t count = std::min<std::uint64_t>(batch, tries - done);
    for (std::size_t i = 0; i < count; ++i) {
      fill(rng, forged[i].nonce);
      fill(rng, forged[i].aad);
      fill(rng, forged[i].sealed);
      fill(rng, MutableBytes(forged[i].tag).first(tag_bytes));
    }
    aead->open(std::span(jobs).first(count));
    for (std::size_t i = 0; i < count; ++i) accepted += jobs[i].authentic ? 1 : 0;
  }
  return accepted;
}

/// Forges from genuine options, by what an attacker on the path can do: another tag, a flipped bit
/// anywhere, the option of one datagram behind another, a counter that was not used, random octets.
class Attack {
 public:
  explicit Attack(Rng& rng) : rng_(rng), crypto_(adapters::aead::make_fastest()) {
    for (std::uint8_t id = 0; id < 2; ++id) {
      settings_[id] = {.key_id = xrm::KeyId{id},
                       .tag = id == 0 ? xrm::TagLength::full : xrm::TagLength::short_};
      settings_[id].key = *xrm::Key::from(random_bytes(rng, 16));
      fill(rng, settings_[id].iv);
    }
    for (const auto& settings : settings_) {
      require(receiver_.add(*xrm::Context::create(settings, *crypto_)).has_value());
      auto sender =
          *xrm::Sender::create(*xrm::Context::create(settings, *crypto_), xrm::SenderId{1}, 0);
      for (std::size_t i = 0; i < genuine_per_key; ++i) {
        Packet packet;
        fill(rng, packet.udp);
        const PduSetMark mark{.psi = Psi::low_bits_of(1), .pssn = Pssn::wrapped(i)};
        packet.size = *sender.seal(mark, packet.udp, packet.body);
        genuine_.push_back(packet);
      }
    }
  }

  std::uint64_t run(std::uint64_t tries) {
    std::array<Packet, batch> packets;
    std::vector<xrm::ReadRequest> requests;
    std::uint64_t accepted = 0;
    for (std::uint64_t done = 0; done < tries;) {
      const std::size_t count = std::min<std::uint64_t>(batch, tries - done);
      requests.clear();
      for (std::size_t i = 0; i < count; ++i) {
        forge(packets[i]);
        requests.push_back({Bytes(packets[i].body).first(packets[i].size), packets[i].udp});
      }
      receiver_.read(requests);
      for (const auto& request : requests) accepted += request.marking.has_value() ? 1 : 0;
      done += count;
    }
    return accepted;
  }

  /// The receiver would have believed what was not forged: else nothing was measured.
  bool genuine_are_believed() {
    for (const Packet& packet : genuine_)
      if (!receiver_.read(Bytes(packet.body).first(packet.size), packet.udp)) return false;
    return true;
  }

 private:
  static constexpr std::size_t genuine_per_key = 512;
  struct Packet {
    std::array<std::byte, 8> udp;
    std::array<std::byte, xrm::protected_sent_max> body;
    std::size_t size = 0;
  };

  void forge(Packet& packet) {
    const std::uint64_t word = rng_.next();
    packet = genuine_[(word >> 32U) % genuine_.size()];
    const MutableBytes body = MutableBytes(packet.body).first(packet.size);
    switch (word % 6) {
      case 0: {  // another tag
        const auto tag = body.subspan(xrm::protected_header_bytes + xrm::block_bytes);
        const std::byte first = tag.front();
        fill(rng_, tag);
        if (tag.front() == first) tag.front() ^= std::byte{1};
        break;
      }
      case 1: {  // a flipped bit of the option
        const std::uint64_t bit = (word >> 8U) % (packet.size * 8);
        body[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        break;
      }
      case 2: {  // a flipped bit of the UDP header
        const std::uint64_t bit = (word >> 8U) % 64;
        packet.udp[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        break;
      }
      case 3:  // behind another datagram
        packet.udp = other_than(packet).udp;
        break;
      case 4:  // a counter that was not used
        body[4] |= std::byte{0x01};
        fill(rng_, body.subspan(5, 3));
        break;
      default:  // random behind flags and KeyID
        fill(rng_, body.subspan(2));
        break;
    }
  }

  const Packet& other_than(const Packet& packet) {
    const std::uint64_t at = rng_.next() % genuine_.size();
    const Packet& other = genuine_[at];
    return other.udp == packet.udp ? genuine_[(at + 1) % genuine_.size()] : other;
  }

  Rng& rng_;
  std::unique_ptr<xrm::Crypto> crypto_;
  std::array<xrm::ContextSettings, 2> settings_;
  xrm::Receiver receiver_{{.accept = xrm::Accept::protected_only}};
  std::vector<Packet> genuine_;
};

int usage() {
  std::fputs("xrm_forgery port TAG_OCTETS TRIES SEED | receiver TRIES SEED\n", stderr);
  return 2;
}

int measure(std::span<char*> words) {
  const auto number = [&](std::size_t at) { return std::strtoull(words[at], nullptr, 10); };
  if (words.size() < 4) return usage();
  SeededRng rng(number(words.size() - 1));
  const std::uint64_t tries = number(words.size() - 2);
  const std::string_view what = words[1];
  std::uint64_t accepted = 0;
  if (what == "port" && words.size() == 5) {
    accepted = at_the_port(number(2), tries, rng);
  } else if (what == "receiver" && words.size() == 4) {
    Attack attack(rng);
    accepted = attack.run(tries);
    if (!attack.genuine_are_believed()) {
      std::fputs("xrm_forgery: the genuine options are not believed\n", stderr);
      return 1;
    }
  } else {
    return usage();
  }
  std::printf("{\"tries\": %llu, \"accepted\": %llu}\n", static_cast<unsigned long long>(tries),
              static_cast<unsigned long long>(accepted));
  return 0;
}

}  // namespace
}  // namespace lobo

int main(int count, char** words) {
  return lobo::measure({words, static_cast<std::size_t>(count)});
}
