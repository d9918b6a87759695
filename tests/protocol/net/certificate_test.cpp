#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "protocol/net/tls_impl.hpp"
#include "tests/protocol/net/support.hpp"

using namespace beckon;
using namespace beckon::net;
using namespace beckon::net::test;

namespace {

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

/// A certificate with this subjectAltName (none when empty) and common name; unsigned, as only names are
/// read.
Certificate make(const std::string& alternatives, const std::string& common_name) {
  Certificate certificate(X509_new(), X509_free);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  if (alternatives.empty()) return certificate;
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternatives.c_str());
  X509_add_ext(certificate.get(), extension, -1);
  X509_EXTENSION_free(extension);
  return certificate;
}

}  // namespace

TEST_CASE(
    "a certificate's identities are its SIP URIs, else its DNS names, else the common name (RFC 5922 7.1)") {
  struct Row {
    std::string alternatives, common_name, name;
    bool sip, https;
  };
  const Row rows[] = {
      {"DNS:example.org", "other", "example.org", true, true},
      {"DNS:example.org", "other", "Example.Org", true, true},
      {"DNS:example.org", "other", "www.example.org", false, false},
      {"DNS:*.example.org", "other", "www.example.org", false, true},  // RFC 5922 7.2: no wildcards
      {"DNS:*.example.org", "other", "*.example.org", true, true},     // ... but as a name of its own
      {"DNS:.example.org", "other", "www.example.org", false, false},
      {"URI:sip:*.example.org", "other", "www.example.org", false, false},
      {"DNS:example.org", "other", "ample.org", false, false},
      {"DNS:example.org", "other", "example.org.evil.com", false, false},
      {"DNS:a.org,DNS:b.org", "other", "b.org", true, true},
      {"URI:SIP:Example.Org", "other", "example.org", true, false},  // scheme and name in any case
      {"URI:sip:example.org:5061;transport=tls", "other", "example.org", true, false},
      {"URI:sip:a.org,URI:sip:b.org", "other", "b.org", true, false},
      {"URI:sips:example.org", "example.org", "example.org", false, true},  // 7.1: only "sip" counts
      {"URI:sip:alice@example.org", "example.org", "example.org", false, true},
      {"URI:https://example.org,DNS:example.org", "other", "example.org", true, true},
      {"email:alice@example.org", "example.org", "example.org", false, true},
      {"URI:sip:example.org", "other", "example.org", true, false},
      {"URI:sip:example.org,DNS:www.example.org", "other", "www.example.org", false, true},
      {"URI:sip:alice@example.org,DNS:example.org", "other", "example.org", true, true},
      {"URI:https://example.org", "example.org", "example.org", false, true},
      {"", "example.org", "example.org", true, true},
      {"DNS:other.org", "example.org", "example.org", false, false},
      {"IP:192.0.2.1", "other", "192.0.2.1", true, true},
      {"IP:2001:db8::1", "other", "2001:db8::1", true, true},
      {"DNS:192.0.2.1", "192.0.2.1", "192.0.2.1", false, false},
      {"IP:192.0.2.1", "other", "192.0.2.2", false, false},
      {"", "", "example.org", false, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.alternatives);
    CAPTURE(row.name);
    const auto certificate = make(row.alternatives, row.common_name);
    CHECK(is_for(certificate.get(), row.name, Identity::sip) == row.sip);
    CHECK(is_for(certificate.get(), row.name, Identity::https) == row.https);
  }
}

TEST_CASE("all identities of a certificate are listed, to identify a client (RFC 5922 7.4)") {
  struct Row {
    std::string alternatives;
    std::vector<std::string> names;
  };
  const Row rows[] = {
      {"DNS:a.org,URI:sip:b.org,URI:sip:c.org;x,URI:sip:u@d.org,IP:192.0.2.1",
       {"b.org", "c.org", "192.0.2.1"}},
      {"DNS:a.org,DNS:b.org,IP:2001:db8::1", {"a.org", "b.org", "2001:db8::1"}},
      {"", {"common.org"}},
      {"email:u@a.org", {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.alternatives);
    CHECK(identities(make(row.alternatives, "common.org").get()) == row.names);
  }
}

TEST_CASE("a self-signed certificate has its names, and only its owner may read the key") {
  TemporaryFolder folder;
  REQUIRE(make_self_signed(folder / "c.pem", folder / "k.pem", {"example.org", "bad,DNS:evil.org"},
                           {*parse_ip("127.0.0.1"), *parse_ip("::1")})
              .has_value());
  CHECK(std::filesystem::status(folder / "k.pem").permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));

  const std::unique_ptr<BIO, decltype(&BIO_free)> file(BIO_new_file((folder / "c.pem").c_str(), "r"),
                                                       BIO_free);
  const Certificate certificate(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr), X509_free);
  REQUIRE(certificate);
  for (const std::string name : {"example.org", "127.0.0.1", "::1"})
    CHECK_MESSAGE(is_for(certificate.get(), name, Identity::sip), name);
  CHECK_FALSE(is_for(certificate.get(), "evil.org", Identity::sip));
  CHECK(TlsContext::server(folder / "c.pem", folder / "k.pem").has_value());
}

TEST_CASE(
    "a self-signed pair that was not finished is made anew, or finished where only a rename is missing") {
  TemporaryFolder folder;
  const auto certificate = folder / "c.pem", key = folder / "k.pem";
  const auto make = [&] { return make_self_signed(certificate, key, {"a.org"}, {}).has_value(); };
  SUBCASE("leftovers are overwritten") {
    std::ofstream(certificate.string() + ".new") << std::string(100000, 'x');
    std::ofstream(key.string() + ".new") << std::string(100000, 'x');
    CHECK(make());
    CHECK_FALSE(std::filesystem::exists(certificate.string() + ".new"));
    CHECK_FALSE(std::filesystem::exists(key.string() + ".new"));
    CHECK_FALSE(finish_self_signed(certificate, key));
  }
  SUBCASE("killed after the rename of the key") {
    REQUIRE(make());
    std::filesystem::rename(certificate, certificate.string() + ".new");
    CHECK(finish_self_signed(certificate, key));
    CHECK(TlsContext::server(certificate, key).has_value());
  }
  SUBCASE("a certificate of another key is left alone") {
    REQUIRE(make());
    std::filesystem::rename(certificate, certificate.string() + ".new");
    REQUIRE(make_self_signed(folder / "b.pem", key, {"b.org"}, {}).has_value());
    CHECK_FALSE(finish_self_signed(certificate, key));
    CHECK_FALSE(std::filesystem::exists(certificate));
  }
  SUBCASE("nothing to finish") {
    CHECK_FALSE(finish_self_signed(certificate, key));
    REQUIRE(make());
    std::filesystem::remove(certificate);
    CHECK_FALSE(finish_self_signed(certificate, key));
  }
  if (std::filesystem::exists(certificate)) CHECK(TlsContext::server(certificate, key).has_value());
}

TEST_CASE("files that hold no certificate, or the key of another one, are refused") {
  TemporaryFolder folder;
  REQUIRE(make_self_signed(folder / "a.pem", folder / "a.key", {"a.org"}, {}).has_value());
  REQUIRE(make_self_signed(folder / "b.pem", folder / "b.key", {"b.org"}, {}).has_value());
  CHECK(TlsContext::server(folder / "a.pem", folder / "b.key").error() == Errc::bad_certificate);
  CHECK(TlsContext::server(folder / "none.pem", folder / "a.key").error() == Errc::bad_certificate);
  CHECK(TlsContext::client(folder / "a.key").error() == Errc::bad_certificate);
  CHECK_FALSE(make_self_signed(folder / "no/a.pem", folder / "no/a.key", {"a.org"}, {}).has_value());
}

TEST_CASE("what a certificate file says: fingerprint, names, validity, whether an authority signed it") {
  const TemporaryFolder folder;
  REQUIRE(make_self_signed(folder / "cert.pem", folder / "key.pem", {"example.org"}, {*parse_ip("127.0.0.1")})
              .has_value());
  const CertificateFacts facts = read_certificate(folder / "cert.pem").value();
  CHECK(facts.fingerprint.starts_with("sha256:"));
  CHECK(facts.fingerprint.size() == 7 + 64);
  CHECK(facts.names == std::vector<std::string>{"example.org", "127.0.0.1"});
  CHECK(facts.is_self_signed);
  const auto now = std::chrono::system_clock::now();
  CHECK(facts.begins < now);
  CHECK(facts.ends > now + std::chrono::days(3600));
  CHECK(read_certificate(folder / "key.pem").error() == Errc::bad_certificate);
  CHECK(read_certificate(folder / "none.pem").error() == Errc::bad_certificate);
}
