#include "server/daemon/certificates.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

#include "protocol/base/log.hpp"
#include "server/admin/data_folder.hpp"

namespace beckon::server {
namespace {

struct Files {
  std::filesystem::path certificate, key;
};

std::optional<Failure> make_if_missing(const Config& config, const Files& files,
                                       const CertificateNames& names) {
  const std::string certificate = files.certificate.string(), key = files.key.string();
  if (!net::finish_self_signed(certificate, key)) {
    if (const auto problem = admin::problem_of_certificate(config.data))
      return Failure{Exit::usage, *problem};
    if (std::filesystem::exists(files.certificate)) return std::nullopt;
    const auto made = net::make_self_signed(certificate, key, names.names, names.ips);
    if (!made) return Failure{Exit::failed, certificate + ": " + made.error().message()};
  }
  std::cerr << "beckond: made a self-signed certificate, " << certificate << '\n';
  return std::nullopt;
}

/// Servers of other domains are known by their certificates (RFC 5922 7.4).
net::ClientCertificates clients_of(const Config& config) {
  const bool federates = !config.settings.federation.domains.empty();
  net::ClientCertificates clients{.asked = federates || !config.tls_clients.ca.empty(),
                                  .ca_paths = {},
                                  .required = config.tls_clients.required};
  if (!config.tls_clients.ca.empty()) clients.ca_paths.push_back(config.tls_clients.ca.string());
  if (federates && (config.federation_ca.empty() || config.federation_ca != config.tls_clients.ca))
    clients.ca_paths.push_back(config.federation_ca.string());
  return clients;
}

std::string read_authorities(const Config& config) {
  std::vector<std::string> files = clients_of(config).ca_paths;
  files.push_back(config.federation_ca.string());
  std::string all;
  for (const std::string& file : files) {
    std::ifstream in(file, std::ios::binary);  // "", the system's: nothing
    all.append(std::istreambuf_iterator<char>(in), {});
    all += '\0';
  }
  return all;
}

bool is_done(const Result<void>& read) {
  if (!read) log::error("server", "certificate: {}", read.error().message());
  return read.has_value();
}

}  // namespace

std::optional<Failure> Certificates::open(const Config& config, const CertificateNames& names) {
  authorities_ = read_authorities(config);
  const bool serves = std::ranges::any_of(config.listening(), &Listener::needs_certificate);
  Files files{config.tls_certificate, config.tls_key};
  if (serves && files.certificate.empty()) {
    files = {admin::certificate_file(config.data), admin::key_file(config.data)};
    if (auto failure = make_if_missing(config, files, names)) return failure;
  }
  const std::string certificate = files.certificate.string(), key = files.key.string();
  if (serves) {
    auto web = net::TlsContext::server(certificate, key);
    if (!web) return Failure{Exit::usage, certificate + " and " + key + ": " + web.error().message()};
    auto sip = net::TlsContext::server(certificate, key, clients_of(config));
    if (!sip) return Failure{Exit::usage, "authorities of peers: " + sip.error().message()};
    web_ = std::move(*web);
    file_ = std::filesystem::absolute(certificate).string();
    sip_ = std::move(*sip);
  }
  const std::string authorities = config.federation_ca.string();
  auto dialled = net::TlsContext::client(authorities, certificate, key);
  if (dialled) dialled_ = std::move(*dialled);
  if (dialled || authorities.empty()) return std::nullopt;
  return Failure{Exit::usage, authorities + ": " + dialled.error().message()};
}

bool Certificates::reload(const Config& config) {
  bool whole = !web_ || is_done(web_->reload());
  // One line is enough for the files they share.
  if (sip_ && whole) whole = is_done(sip_->reload(clients_of(config)));
  if (dialled_ && whole) whole = is_done(dialled_->reload());
  if (whole) authorities_ = read_authorities(config);
  return whole;
}

}  // namespace beckon::server
