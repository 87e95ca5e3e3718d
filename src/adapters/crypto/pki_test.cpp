#include "adapters/crypto/pki.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "adapters/crypto/crypto_test_support.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "support/temp_dir.hpp"

namespace lobo::adapters::crypto {
namespace {

using namespace std::chrono_literals;

// openssl compares with the real time.
Instant today() { return std::chrono::floor<Instant::duration>(std::chrono::system_clock::now()); }

TEST(pki, the_openssl_program_accepts_the_chain_and_the_names) {
  const testing::TempDir folder;
  const auto made = make_pki(
      {folder.path().string(), {"nef.lab.example", "10.1.2.3"}, {"vas1", "vas2"}}, today());
  ASSERT_TRUE(made) << made.error().detail;
  const auto verify = [&](const char* purpose, const std::string& names, const char* file) {
    return run(fmt::format("openssl verify -x509_strict -purpose {} {} -CAfile {} {}", purpose,
                           names, folder.file("ca.pem"), folder.file(file)));
  };
  for (const char* name : {"-verify_hostname localhost", "-verify_ip 127.0.0.1", "-verify_ip ::1",
                           "-verify_ip 127.0.0.60", "-verify_ip 127.0.0.69", "-verify_ip 10.1.2.3",
                           "-verify_hostname nef.lab.example"}) {
    const auto ran = verify("sslserver", name, "server.pem");
    EXPECT_EQ(ran.status, 0) << name << ran.output;
  }
  EXPECT_NE(verify("sslserver", "-verify_ip 127.0.0.70", "server.pem").status, 0);
  EXPECT_NE(verify("sslserver", "-verify_hostname other.example", "server.pem").status, 0);
  EXPECT_EQ(verify("sslclient", "-verify_hostname vas1", "client-vas1.pem").status, 0);
  EXPECT_NE(verify("sslserver", "", "client-vas1.pem").status, 0);
  EXPECT_NE(verify("sslclient", "", "server.pem").status, 0);
  for (const char* stem : {"server", "client-vas2"}) {
    const auto certificate =
        run(fmt::format("openssl x509 -in {}.pem -noout -pubkey", folder.file(stem)));
    const auto key = run(fmt::format("openssl pkey -in {}.key -pubout", folder.file(stem)));
    EXPECT_EQ(certificate.status, 0) << certificate.output;
    EXPECT_EQ(certificate.output, key.output);
  }
}

TEST(pki, nobody_else_may_read_the_files) {
  const testing::TempDir folder;
  const auto made = make_pki({folder.file("new/lab"), {}, {"vas1"}}, today());
  ASSERT_TRUE(made);
  EXPECT_EQ(made->size(), 8U);
  for (const auto& path : *made) {
    struct stat info{};
    ASSERT_EQ(::stat(path.c_str(), &info), 0) << path;
    EXPECT_EQ(info.st_mode & 0777U, 0600U) << path;
  }
}

TEST(pki, nothing_is_overwritten_and_nothing_written_beside_it) {
  const testing::TempDir folder;
  write(folder.file("server.key"), "precious");
  const auto made = make_pki({folder.path().string(), {}, {}}, today());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::conflict);
  EXPECT_EQ(content_of(folder.file("server.key")), "precious");
  EXPECT_FALSE(std::filesystem::exists(folder.file("ca.key")));
}

TEST(pki, names_with_a_second_meaning_are_refused) {
  const testing::TempDir folder;
  for (const char* name : {"", "a,IP:1.2.3.4", "../ca", "a/b", "-x", ".", "a b", "a\nb"}) {
    EXPECT_FALSE(make_pki({folder.path().string(), {name}, {}}, today())) << name;
    EXPECT_FALSE(make_pki({folder.path().string(), {}, {name}}, today())) << name;
  }
  EXPECT_FALSE(make_pki({folder.path().string(), {}, {"vas1", "vas1"}}, today()));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(pki, jwcrypto_accepts_a_token_of_ours) {
  const testing::TempDir folder;
  ASSERT_TRUE(make_pki({folder.path().string(), {}, {}}, today()));
  const auto token =
      issue_token(folder.file("token.key"),
                  {"lobo-lab", "lobo", "va\"s1", {"nrm:read", "nrm:write"}, today(), 1h});
  ASSERT_TRUE(token) << token.error().detail;
  write(folder.file("token"), *token);
  const auto read = run(fmt::format("{} {} read {} {}", LOBO_PYTHON, LOBO_TOKEN_SCRIPT,
                                    folder.file("jwks.json"), folder.file("token")));
  ASSERT_EQ(read.status, 0) << read.output;
  EXPECT_NE(read.output.find(R"("sub":"va\"s1")"), std::string::npos) << read.output;
  EXPECT_NE(read.output.find("nrm:read nrm:write"), std::string::npos) << read.output;
}

TEST(pki, a_token_needs_a_key_that_can_sign) {
  const testing::TempDir folder;
  ASSERT_TRUE(make_pki({folder.path().string(), {}, {}}, today()));
  for (const char* file : {"jwks.json", "ca.key", "none"})
    EXPECT_FALSE(issue_token(folder.file(file), {"i", "a", "s", {}, today(), 1h})) << file;
}

TEST(pki, certificates_for_a_key_channel_are_for_one_role_and_one_name_each) {
  const testing::TempDir folder;
  const auto made = make_key_pki(
      {folder.path().string(), {"upf1.example"}, {"eas1.example", "eas2.example"}, 24h}, today());
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_EQ(made->size(), 8U);
  const auto verify = [&](const char* purpose, const char* name, const char* file) {
    return run(fmt::format(
                   "openssl verify -x509_strict -purpose {} -verify_hostname {} -CAfile {} {}",
                   purpose, name, folder.file("ca.pem"), folder.file(file)))
        .status;
  };
  EXPECT_EQ(verify("sslclient", "upf1.example", "upf-upf1.example.pem"), 0);
  EXPECT_NE(verify("sslserver", "upf1.example", "upf-upf1.example.pem"), 0);
  EXPECT_EQ(verify("sslserver", "eas2.example", "eas-eas2.example.pem"), 0);
  EXPECT_NE(verify("sslserver", "eas1.example", "eas-eas2.example.pem"), 0);
  EXPECT_NE(verify("sslclient", "eas2.example", "eas-eas2.example.pem"), 0);
  EXPECT_FALSE(make_key_pki({folder.path().string(), {"upf1.example"}, {}}, today()));
  EXPECT_FALSE(make_key_pki({folder.file("more"), {"../upf"}, {}}, today()));
}

}  // namespace
}  // namespace lobo::adapters::crypto
