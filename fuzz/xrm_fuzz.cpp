// The body of the XRM option. The first octet chooses: a body as it came, plaintext that a sender
// with the key might have sealed, or the option around it. No input is believed that nobody sealed;
// what is read without a warning is written and read the same.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "adapters/aead/choose.hpp"
#include "base/bytes.hpp"
#include "base/require.hpp"
#include "wire/udp_options/surplus.hpp"
#include "wire/xrm/auth.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/option.hpp"
#include "wire/xrm/protected.hpp"
#include "wire/xrm/receiver.hpp"

namespace {

namespace xrm = lobo::xrm;
using lobo::Bytes;
using lobo::require;

constexpr xrm::KeyId key_id{0};

struct World {
  std::unique_ptr<xrm::Crypto> crypto = lobo::adapters::aead::make_fastest();
  xrm::ContextSettings settings{.key_id = key_id,
                                .key = *xrm::Key::from(std::vector<std::byte>(16, std::byte{0x9B})),
                                .tag = xrm::TagLength::short_};
  xrm::Context sealing = *xrm::Context::create(settings, *crypto);
  xrm::Receiver receiver{{.accept = xrm::Accept::clear_and_protected}};
  std::uint32_t counter = 0;

  World() { require(receiver.add(*xrm::Context::create(settings, *crypto)).has_value()); }
};

constexpr std::array<std::byte, 8> udp{};

void check_mark(const lobo::PduSetMark& mark) {
  std::array<std::byte, xrm::body_bytes_max> place;
  lobo::ByteWriter out(place);
  xrm::write_body(out, mark);
  require(out.ok());
  const auto again = xrm::read_body(out.written(), xrm::Padding::none, xrm::Leniency::strict);
  require(again.has_value() && again->mark == mark && again->warnings.none());
}

void read_as_it_came(World& world, Bytes body) {
  for (const auto leniency : {xrm::Leniency::strict, xrm::Leniency::lenient})
    for (const auto padding : {xrm::Padding::none, xrm::Padding::zeros})
      if (const auto read = xrm::read_body(body, padding, leniency)) check_mark(read->mark);
  const auto single = world.receiver.read(body, udp);
  if (single) require(!single->origin);
  std::array<xrm::ReadRequest, 2> twice{{{body, udp}, {body, udp}}};
  world.receiver.read(twice);
  require(twice[0].marking == single && twice[1].marking == single);
}

void read_as_sealed(World& world, Bytes text) {
  std::vector<std::byte> body(xrm::protected_header_bytes);
  xrm::write_protected_header(std::span(body).first<xrm::protected_header_bytes>(), key_id,
                              xrm::SenderId{0}, world.counter, xrm::TagLength::full);
  const std::size_t size =
      std::min((text.size() / xrm::block_bytes + 1) * xrm::block_bytes, xrm::plaintext_read_max);
  text = text.first(std::min(text.size(), size));
  body.insert(body.end(), text.begin(), text.end());
  body.resize(xrm::protected_header_bytes + size + xrm::tag_bytes_full);
  const auto nonce = world.sealing.nonce(xrm::SenderId{0}, world.counter++);
  const auto aad = world.sealing.aad(
      udp, xrm::ProtectedHeader(std::span(body).first<xrm::protected_header_bytes>()));
  const auto plain = std::span(body).subspan(xrm::protected_header_bytes, size);
  const std::vector<std::byte> kept(plain.begin(), plain.end());
  std::array jobs{
      xrm::SealJob{&nonce, aad, plain, plain, std::span(body).last(xrm::tag_bytes_full)}};
  require(world.sealing.aead().seal(jobs));
  const auto read = world.receiver.read(body, udp);
  const auto wanted = xrm::read_body(kept, xrm::Padding::zeros, xrm::Leniency::lenient);
  require(read.has_value() == wanted.has_value());
  if (!read) return require(read.error() == wanted.error());
  require(read->mark == wanted->mark && read->origin.has_value());
  require(world.receiver.read(body, udp).error() == xrm::Unmarked::replayed);
}

void find_in_surplus(World& world, Bytes area) {
  const auto surplus = lobo::udp_options::read_surplus(area, {});
  for (const auto kind : {xrm::OptionKind(), *xrm::OptionKind::safe(100)}) {
    if (const auto body = xrm::find_body(surplus, kind)) (void)world.receiver.read(*body, udp);
    if (const auto body = xrm::body_of(area, kind)) (void)world.receiver.read(*body, udp);
  }
  if (const auto option = xrm::read_auth(area)) {
    std::array<std::byte, xrm::auth_option_bytes> place;
    lobo::ByteWriter out(place);
    xrm::write_auth(out, *option);
    require(std::ranges::equal(Bytes(place).subspan(2), area));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  if (size == 0) return 0;
  const Bytes rest = std::as_bytes(std::span(data, size)).subspan(1);
  switch (data[0] % 3) {
    case 0: read_as_it_came(world, rest); break;
    case 1: read_as_sealed(world, rest); break;
    default: find_in_surplus(world, rest); break;
  }
  return 0;
}
