#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <optional>

#include "protocol/base/text.hpp"
#include "protocol/net/tls.hpp"
#include "protocol/net/tls_impl.hpp"

namespace beckon::net {
namespace {

template <auto free_function>
struct Free {
  template <class T>
  void operator()(T* pointer) const {
    free_function(pointer);
  }
};
template <class T, auto free_function>
using Owned = std::unique_ptr<T, Free<free_function>>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Certificate = Owned<X509, X509_free>;
using Bio = Owned<BIO, BIO_free_all>;
using Extension = Owned<X509_EXTENSION, X509_EXTENSION_free>;
using Names = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;

constexpr long ten_years = 3650L * 24 * 3600;  // seconds; nothing renews a self-signed certificate
constexpr long clocks_differ = 24 * 3600;      // seconds the peer's clock may be behind ours

// ---- whose certificate is it (RFC 5922 7.1)

std::string_view text_of(const ASN1_STRING* value) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(ASN1_STRING_length(value))};
}

// The domain of "sip:example.org"; empty for any other URI, one with a user part included.
std::string_view sip_domain(std::string_view uri) {
  const auto [scheme, rest] = cut(uri, ':');
  if (!iequals(scheme, "sip") || rest.find('@') != std::string_view::npos) return {};
  return rest.substr(0, rest.find_first_of(":;?"));
}

struct SubjectNames {
  std::vector<std::string> sip, dns, ips;
};

std::optional<IpAddress> read_ip(const ASN1_OCTET_STRING* value) {
  const std::string_view octets = text_of(value);
  IpAddress ip;
  if (octets.size() != 4 && octets.size() != ip.octets.size()) return std::nullopt;
  ip.family = octets.size() == 4 ? IpAddress::Family::v4 : IpAddress::Family::v6;
  std::copy(octets.begin(), octets.end(), ip.octets.begin());
  return ip;
}

SubjectNames collect(const GENERAL_NAMES* names) {
  SubjectNames found;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_DNS) found.dns.emplace_back(text_of(name->d.dNSName));
    if (name->type == GEN_URI) {
      const auto domain = sip_domain(text_of(name->d.uniformResourceIdentifier));
      if (!domain.empty()) found.sip.emplace_back(domain);
    }
    if (name->type != GEN_IPADD) continue;
    if (const auto ip = read_ip(name->d.iPAddress)) found.ips.push_back(print(*ip));
  }
  return found;
}

std::string common_name(X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  return at < 0 ? std::string()
                : std::string(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
}

std::chrono::sys_seconds time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::sys_seconds(std::chrono::seconds(::timegm(&parts)));
}

// ---- making one

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
  std::array<unsigned char, 16> octets;
  if (RAND_bytes(octets.data(), static_cast<int>(octets.size())) != 1) return false;
  octets[0] &= 0x7f;  // positive
  const Owned<BIGNUM, BN_free> number(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate));
}

bool set_subject(X509* certificate, const std::string& name) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0) == 1 &&
         X509_set_issuer_name(certificate, subject) == 1;
}

// Names that could end the list and begin another kind of entry are left out: no host name has them.
std::string alternative_names(const std::vector<std::string>& names, const std::vector<IpAddress>& ips) {
  std::string text;
  for (const auto& name : names)
    if (name.find_first_of(",:;\n ") == std::string::npos) text += (text.empty() ? "DNS:" : ",DNS:") + name;
  for (const auto& ip : ips) text += (text.empty() ? "IP:" : ",IP:") + print(ip);
  return text;
}

Certificate make_certificate(EVP_PKEY* key, const std::vector<std::string>& names,
                             const std::vector<IpAddress>& ips) {
  Certificate certificate(X509_new());
  if (!certificate) return nullptr;
  X509* x = certificate.get();
  const std::string subject = !names.empty() ? names.front() : !ips.empty() ? print(ips.front()) : "beckon";
  const std::string alternatives = alternative_names(names, ips);
  const bool made = X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
                    X509_gmtime_adj(X509_getm_notBefore(x), -clocks_differ) &&
                    X509_gmtime_adj(X509_getm_notAfter(x), ten_years) && set_subject(x, subject) &&
                    X509_set_pubkey(x, key) == 1 &&
                    add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
                    add_extension(x, NID_ext_key_usage, "serverAuth,clientAuth") &&
                    add_extension(x, NID_subject_key_identifier, "hash") &&
                    (alternatives.empty() || add_extension(x, NID_subject_alt_name, alternatives)) &&
                    X509_sign(x, key, EVP_sha256()) > 0;
  return made ? std::move(certificate) : nullptr;
}

ErrorCode last_error() { return {errno, boost::system::system_category()}; }

/// Where a file is written before it is renamed to `path`.
std::string unfinished(const std::string& path) { return path + ".new"; }

/// Writes the whole file to the disk, beside its place.
Result<void> write_beside(const std::string& path, std::string_view text, mode_t mode) {
  const int fd =
      ::open(unfinished(path).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) return last_error();
  ErrorCode error;
  if (::fchmod(fd, mode) != 0 || ::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::fsync(fd) != 0)
    error = last_error();
  if (::close(fd) != 0 && !error) error = last_error();
  if (error) return error;
  return {};
}

/// Puts what `write_beside` wrote in its place, on the disk as well.
Result<void> put_in_place(const std::string& path) {
  if (::rename(unfinished(path).c_str(), path.c_str()) != 0) return last_error();
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return last_error();
  const ErrorCode error = ::fsync(fd) == 0 ? ErrorCode() : last_error();
  ::close(fd);
  if (error) return error;
  return {};
}

std::string_view contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

std::string fingerprint(X509* certificate) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  return "sha256:" + to_hex({digest.data(), size});
}

CertificateFacts facts(X509* certificate) {
  return {.fingerprint = fingerprint(certificate),
          .names = identities(certificate),
          .begins = time_of(X509_get0_notBefore(certificate)),
          .ends = time_of(X509_get0_notAfter(certificate)),
          .is_self_signed =
              X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0};
}

Result<CertificateFacts> read_certificate(const std::string& path) {
  const Bio file(BIO_new_file(path.c_str(), "r"));
  if (!file) return ErrorCode(Errc::bad_certificate);
  const Certificate certificate(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr));
  if (!certificate) return ErrorCode(Errc::bad_certificate);
  return facts(certificate.get());
}

std::vector<std::string> identities(X509* certificate) {
  const Names names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (!names) {
    const std::string name = common_name(certificate);
    return name.empty() ? std::vector<std::string>() : std::vector{name};
  }
  SubjectNames found = collect(names.get());
  auto& all = found.sip.empty() ? found.dns : found.sip;
  all.insert(all.end(), found.ips.begin(), found.ips.end());
  return all;
}

bool is_for(X509* certificate, const std::string& name, Identity identity) {
  if (const auto ip = parse_ip(name)) {
    const auto bytes = ip->bytes();
    return X509_check_ip(certificate, bytes.data(), bytes.size(), 0) == 1;
  }
  if (identity == Identity::https)
    return X509_check_host(certificate, name.data(), name.size(), 0, nullptr) == 1;
  const auto all = identities(certificate);
  return std::any_of(all.begin(), all.end(), [&](const auto& each) { return iequals(each, name); });
}

Result<void> make_self_signed(const std::string& certificate_path, const std::string& key_path,
                              const std::vector<std::string>& names, const std::vector<IpAddress>& ips) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return ErrorCode(Errc::bad_certificate);
  const Certificate certificate = make_certificate(key.get(), names, ips);
  const Bio certificate_text(BIO_new(BIO_s_mem()));
  const Bio key_text(BIO_new(BIO_s_secmem()));
  if (!certificate || PEM_write_bio_X509(certificate_text.get(), certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return ErrorCode(Errc::bad_certificate);
  auto done = write_beside(key_path, contents(key_text.get()), 0600);
  if (done) done = write_beside(certificate_path, contents(certificate_text.get()), 0644);
  if (done) done = put_in_place(key_path);
  if (done) done = put_in_place(certificate_path);
  return done;
}

bool finish_self_signed(const std::string& certificate_path, const std::string& key_path) {
  std::error_code error;
  if (std::filesystem::exists(certificate_path, error) || error) return false;
  if (!std::filesystem::exists(unfinished(certificate_path), error)) return false;
  return TlsContext::server(unfinished(certificate_path), key_path).has_value() &&
         put_in_place(certificate_path).has_value();
}

}  // namespace beckon::net
