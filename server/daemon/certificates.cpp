#include "server/daemon/certificates.hpp"

#include <algorithm>
#include <iostream>

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

/// `context` is null where no listener uses TLS.
bool read_again(const net::TlsContextPtr& context) {
  if (!context) return true;
  const auto read = context->reload();
  if (!read) log::error("server", "certificate: {}", read.error().message());
  return read.has_value();
}

}  // namespace

std::optional<Failure> Certificates::open(const Config& config, const CertificateNames& names) {
  if (std::ranges::none_of(config.listening(), &Listener::needs_certificate)) return std::nullopt;
  Files files{config.tls_certificate, config.tls_key};
  if (files.certificate.empty()) {
    files = {admin::certificate_file(config.data), admin::key_file(config.data)};
    if (auto failure = make_if_missing(config, files, names)) return failure;
  }
  auto context = net::TlsContext::server(files.certificate.string(), files.key.string());
  if (!context)
    return Failure{Exit::usage, files.certificate.string() + " and " + files.key.string() + ": " +
                                    context.error().message()};
  web_ = sip_ = std::move(*context);
  const auto& clients = config.tls_clients;
  if (clients.ca.empty()) return std::nullopt;
  auto asking = net::TlsContext::server(files.certificate.string(), files.key.string(),
                                        {.ca_path = clients.ca.string(), .required = clients.required});
  if (!asking) return Failure{Exit::usage, clients.ca.string() + ": " + asking.error().message()};
  sip_ = std::move(*asking);
  return std::nullopt;
}

bool Certificates::reload() {
  const bool whole = read_again(web_);
  return sip_ == web_ ? whole : read_again(sip_) && whole;
}

}  // namespace beckon::server
