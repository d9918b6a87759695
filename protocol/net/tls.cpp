#include "protocol/net/tls.hpp"

#include <openssl/ssl.h>

#include <boost/asio/ssl.hpp>

#include "protocol/base/log.hpp"
#include "protocol/net/tls_impl.hpp"

namespace beckon::net {
namespace {

namespace ssl = boost::asio::ssl;
using ContextPtr = std::shared_ptr<ssl::context>;

constexpr unsigned char session_context[] = {'s', 'i', 'p'};

ContextPtr make_context(ssl::context::method method) {
  auto context = std::make_shared<ssl::context>(method);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);  // an idle connection costs 34 KB less
  return context;
}

ErrorCode bad(const std::string& path, const ErrorCode& error) {
  log::error("net", "{}: {}", path, error.message());
  return Errc::bad_certificate;
}

Result<void> use_certificate(ssl::context& context, const std::string& certificate_path,
                             const std::string& key_path) {
  ErrorCode error;
  // An encrypted key is an error, not a question on the terminal.
  context.set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string(); },
                                error);
  context.use_certificate_chain_file(certificate_path, error);
  if (error) return bad(certificate_path, error);
  context.use_private_key_file(key_path, ssl::context::pem, error);  // also checks that the two fit
  if (error) return bad(key_path, error);
  return {};
}

Result<void> use_trust(ssl::context& context, const std::vector<std::string>& ca_paths) {
  ErrorCode error;
  for (const std::string& path : ca_paths) {
    if (path.empty()) {
      context.set_default_verify_paths(error);
    } else {
      context.load_verify_file(path, error);
    }
    if (error) return bad(path.empty() ? "the system's authorities" : path, error);
  }
  // A pinned certificate need not be that of an authority.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context.native_handle()), X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

Result<ContextPtr> load_server(const std::string& certificate_path, const std::string& key_path,
                               const ClientCertificates& clients) {
  auto context = make_context(ssl::context::tls_server);
  // COMPAT: sipsak 0.9.8 takes a ticket after a TLS 1.3 handshake for the end of the connection.
  SSL_CTX_set_num_tickets(context->native_handle(), 0);
  if (auto used = use_certificate(*context, certificate_path, key_path); !used) return used.error();
  if (!clients.asked) return context;
  if (auto used = use_trust(*context, clients.ca_paths); !used) return used.error();
  context->set_verify_mode(ssl::verify_peer | (clients.required ? ssl::verify_fail_if_no_peer_cert : 0));
  // The result is kept for `peer_names`.
  if (!clients.required) context->set_verify_callback([](bool, ssl::verify_context&) { return true; });
  // A resumed session brings its certificate along, within this context only.
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_session_id_context(native, session_context, sizeof(session_context));
  // The system's authorities are too many to be named.
  if (clients.ca_paths.size() == 1 && !clients.ca_paths.front().empty())
    SSL_CTX_set_client_CA_list(native, SSL_load_client_CA_file(clients.ca_paths.front().c_str()));
  return context;
}

Result<ContextPtr> load_pinned() {
  auto context = make_context(ssl::context::tls_client);
  context->set_verify_mode(ssl::verify_peer);
  // The channel compares the fingerprint before it sends anything.
  context->set_verify_callback([](bool, ssl::verify_context&) { return true; });
  return context;
}

Result<ContextPtr> load_client(const std::string& ca_path, const std::string& certificate_path,
                               const std::string& key_path) {
  auto context = make_context(ssl::context::tls_client);
  if (auto used = use_trust(*context, {ca_path}); !used) return used.error();
  if (!certificate_path.empty())
    if (auto used = use_certificate(*context, certificate_path, key_path); !used) return used.error();
  context->set_verify_mode(ssl::verify_peer);
  return context;
}

}  // namespace

Result<void> TlsContext::Impl::load() {
  auto loaded = side == Side::server ? load_server(certificate_path, key_path, clients)
                : pinned.empty()     ? load_client(ca_path, certificate_path, key_path)
                                     : load_pinned();
  if (!loaded) return loaded.error();
  const std::scoped_lock lock(mutex_);
  context_ = std::move(*loaded);
  return {};
}

ContextPtr TlsContext::Impl::current() {
  const std::scoped_lock lock(mutex_);
  return context_;
}

bool TlsContext::Impl::may_log(Time now) {
  Time::rep next = next_line_.load(std::memory_order_relaxed);
  const Time::rep at = now.time_since_epoch().count();
  return at >= next && next_line_.compare_exchange_strong(next, (now + 1s).time_since_epoch().count());
}

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<TlsContext>> TlsContext::server(std::string certificate_path, std::string key_path,
                                                       ClientCertificates clients) {
  auto impl = std::make_unique<Impl>();
  impl->side = Impl::Side::server;
  impl->certificate_path = std::move(certificate_path);
  impl->key_path = std::move(key_path);
  impl->clients = std::move(clients);
  if (auto loaded = impl->load(); !loaded) return loaded.error();
  return std::shared_ptr<TlsContext>(new TlsContext(std::move(impl)));
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(std::string ca_path) {
  return client(std::move(ca_path), {}, {});
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(std::string ca_path, std::string certificate_path,
                                                       std::string key_path) {
  auto impl = std::make_unique<Impl>();
  impl->side = Impl::Side::client;
  impl->ca_path = std::move(ca_path);
  impl->certificate_path = std::move(certificate_path);
  impl->key_path = std::move(key_path);
  if (auto loaded = impl->load(); !loaded) return loaded.error();
  return std::shared_ptr<TlsContext>(new TlsContext(std::move(impl)));
}

Result<std::shared_ptr<TlsContext>> TlsContext::pinned_client(std::string fingerprint) {
  auto impl = std::make_unique<Impl>();
  impl->side = Impl::Side::client;
  impl->pinned = std::move(fingerprint);
  if (auto loaded = impl->load(); !loaded) return loaded.error();
  return std::shared_ptr<TlsContext>(new TlsContext(std::move(impl)));
}

Result<void> TlsContext::reload() { return impl_->load(); }

Result<void> TlsContext::reload(ClientCertificates clients) {
  impl_->clients = std::move(clients);
  return impl_->load();
}

}  // namespace beckon::net
