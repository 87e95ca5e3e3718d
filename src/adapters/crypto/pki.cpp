#include "adapters/crypto/pki.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "adapters/crypto/certificate.hpp"
#include "adapters/crypto/flow_token.hpp"
#include "adapters/crypto/jws.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "wire/http/ip.hpp"
#include "wire/json/json.hpp"

namespace lobo::adapters::crypto {
namespace {

struct File {
  std::string path;
  std::string content;
};
using Files = std::vector<File>;

/// Letters that may stand in a file name and in OpenSSL's list of names without a second meaning.
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text.front() != '-' && text.front() != '.' &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.' || c == '_';
         });
}

Result<std::vector<std::string>> server_alternatives(const std::vector<std::string>& names) {
  std::vector<std::string> all{"DNS:localhost", "IP:127.0.0.1", "IP:::1"};
  for (int last = 60; last <= 69; ++last) all.push_back(fmt::format("IP:127.0.0.{}", last));
  for (const auto& name : names) {
    if (http::IpAddress::parse(name))
      all.push_back("IP:" + name);
    else if (is_name(name))
      all.push_back("DNS:" + name);
    else
      return fail(Errc::pattern, fmt::format("\"{}\" is neither a host name nor an address", name));
  }
  return all;
}

Result<void> add_identity(Files& files, const std::string& stem, const Result<Identity>& identity) {
  if (!identity) return fail(identity.error());
  auto certificate = certificate_pem(*identity);
  auto key = key_pem(*identity);
  if (!certificate) return fail(certificate.error());
  if (!key) return fail(key.error());
  files.push_back({stem + ".pem", std::move(*certificate)});
  files.push_back({stem + ".key", std::move(*key)});
  return {};
}

Result<Files> make_files(const PkiOptions& options, Instant now) {
  const std::string at = options.folder + "/";
  const auto names = server_alternatives(options.server_names);
  if (!names) return fail(names.error());
  // An hour back: clocks of a laboratory differ.
  const Instant from = now - std::chrono::hours{1};
  Files files;
  const auto authority =
      make_identity({"lobo lab CA", {}, Usage::authority, from, now + ca_life}, nullptr);
  if (auto added = add_identity(files, at + "ca", authority); !added) return fail(added.error());
  const auto server = make_identity(
      {"lobo server", *names, Usage::server, from, now + certificate_life}, &*authority);
  if (auto added = add_identity(files, at + "server", server); !added) return fail(added.error());
  for (const auto& name : options.clients) {
    const auto client = make_identity(
        {name, {"DNS:" + name}, Usage::client, from, now + certificate_life}, &*authority);
    if (auto added = add_identity(files, at + "client-" + name, client); !added)
      return fail(added.error());
  }
  auto key = make_signing_key();
  if (!key) return fail(key.error());
  auto keys = public_key_set(*key);
  if (!keys) return fail(keys.error());
  files.push_back({at + "token.key", std::move(*key) + "\n"});
  files.push_back({at + "jwks.json", std::move(*keys) + "\n"});
  return files;
}

Result<void> write_new(const File& file) {
  const auto failed = [&] {
    return fail(Errc::unavailable,
                fmt::format("{}: {}", file.path, std::generic_category().message(errno)));
  };
  const int fd = ::open(file.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return failed();
  const auto written = ::write(fd, file.content.data(), file.content.size());
  const bool whole = std::cmp_equal(written, file.content.size());
  if (::close(fd) != 0 || !whole) return failed();
  return {};
}

}  // namespace

namespace {

Result<void> check_names(const std::vector<std::string>& names) {
  if (names.size() > pki_names_max)
    return fail(Errc::out_of_range, fmt::format("at most {} names", pki_names_max));
  for (auto name = names.begin(); name != names.end(); ++name)
    if (!is_name(*name) || std::find(names.begin(), name, *name) != name)
      return fail(Errc::pattern,
                  fmt::format("\"{}\" cannot be a name here: letters, digits, '-', '.' and '_', "
                              "each name once",
                              *name));
  return {};
}

/// All of them, or none where one is there already.
Result<std::vector<std::string>> write_files(const std::string& folder, const Files& files) {
  std::error_code fault;
  std::filesystem::create_directories(folder, fault);
  if (fault) return fail(Errc::unavailable, fmt::format("{}: {}", folder, fault.message()));
  for (const auto& file : files)
    if (std::filesystem::exists(file.path, fault))
      return fail(
          Errc::conflict,
          fmt::format("{} exists; name an empty folder, nothing is overwritten", file.path));
  std::vector<std::string> paths;
  for (const auto& file : files) {
    if (auto written = write_new(file); !written) return fail(written.error());
    paths.push_back(file.path);
  }
  return paths;
}

}  // namespace

Result<std::vector<std::string>> make_pki(const PkiOptions& options, Instant now) {
  if (options.server_names.size() > pki_names_max)
    return fail(Errc::out_of_range, fmt::format("at most {} names", pki_names_max));
  if (auto good = check_names(options.clients); !good) return fail(good.error());
  const auto files = make_files(options, now);
  if (!files) return fail(files.error());
  return write_files(options.folder, *files);
}

Result<std::vector<std::string>> make_key_pki(const KeyPkiOptions& options, Instant now) {
  const std::string at = options.folder + "/";
  const Instant from = now - std::chrono::hours{1};
  Files files;
  const auto authority =
      make_identity({"lobo lab CA", {}, Usage::authority, from, now + ca_life}, nullptr);
  if (auto added = add_identity(files, at + "ca", authority); !added) return fail(added.error());
  for (const auto& [names, stem, usage] : {std::tuple{&options.upfs, "upf-", Usage::client},
                                           std::tuple{&options.eas, "eas-", Usage::server}}) {
    if (auto good = check_names(*names); !good) return fail(good.error());
    for (const auto& name : *names) {
      const auto identity =
          make_identity({name, {"DNS:" + name}, usage, from, now + options.life}, &*authority);
      if (auto added = add_identity(files, at + stem + name, identity); !added)
        return fail(added.error());
    }
  }
  return write_files(options.folder, files);
}

Result<std::vector<std::string>> make_flow_key_files(const std::string& folder) {
  auto key = make_flow_key();
  if (!key) return fail(key.error());
  return write_files(folder, {{folder + "/flow.key", std::move(key->private_key)},
                              {folder + "/flow.pub", std::move(key->public_key)}});
}

Result<std::string> issue_token(const std::string& key_file, const TokenRequest& request) {
  std::ifstream in(key_file, std::ios::binary);
  const std::string key(std::istreambuf_iterator<char>(in), {});
  if (!in.is_open() || key.empty())
    return fail(Errc::unavailable, fmt::format("the signing key {} cannot be read", key_file));
  const auto seconds = [](Instant at) {
    return std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
  };
  return sign(key, fmt::format(R"({{"iss":{},"aud":{},"sub":{},"scope":{},"iat":{},"exp":{}}})",
                               json::quoted(request.issuer), json::quoted(request.audience),
                               json::quoted(request.subject),
                               json::quoted(fmt::format("{}", fmt::join(request.scopes, " "))),
                               seconds(request.issued), seconds(request.issued + request.life)));
}

}  // namespace lobo::adapters::crypto
