#pragma once
// HTTP messages as plain values: what the adapters read and write, and what everything else passes
// around. Nothing here knows a socket or an HTTP version.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lobo::http {

struct Header {
  std::string name;  ///< lower case always
  std::string value;
  bool operator==(const Header&) const = default;
};

/// Header fields in the order of arrival; names in lower case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> fields) : fields_(fields) {}

  /// The first field of that name (lower case), or nothing.
  std::optional<std::string_view> find(std::string_view name) const {
    for (const auto& field : fields_)
      if (field.name == name) return field.value;
    return std::nullopt;
  }
  void add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  /// Room for so many fields, where about how many will come is known.
  void reserve(std::size_t fields) { fields_.reserve(fields); }
  /// Replaces every field of that name.
  void set(std::string name, std::string value) {
    erase(name);
    add(std::move(name), std::move(value));
  }
  void erase(std::string_view name) {
    std::erase_if(fields_, [&](const Header& field) { return field.name == name; });
  }
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }
  bool operator==(const Headers&) const = default;

 private:
  std::vector<Header> fields_;
};

/// Who is at the other end of the connection; filled by the server's adapter.
struct Peer {
  std::string address;                             ///< "127.0.0.1" or "::1", without the port
  bool loopback = false;                           ///< the connection never left this machine
  std::optional<std::string> certificate_subject;  ///< SAN URI or DNS name (else CN) of a verified
                                                   ///< client certificate
  bool operator==(const Peer&) const = default;
};

struct Request {
  std::string method;     ///< "GET", "POST", … as received, case kept
  std::string scheme;     ///< "http" or "https"
  std::string authority;  ///< host[:port], from :authority or Host
  std::string target;     ///< origin form: path[?query], percent-encoding kept
  Headers headers;
  std::string body;
  Peer peer;
  bool operator==(const Request&) const = default;
};

/// How much of an answer reaches the client. Anything but `whole` is for simulated peers, who have
/// to fail as real ones do.
enum class Delivery : std::uint8_t {
  whole,
  cut_short,  ///< the connection (or stream) ends inside the answer
  none,       ///< it ends without an answer
};

struct Response {
  int status = 0;  ///< 200–599
  Headers headers;
  std::string body;
  Delivery delivery = Delivery::whole;
  bool operator==(const Response&) const = default;
};

}  // namespace lobo::http
