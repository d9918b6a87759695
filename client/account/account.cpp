#include "client/account/account.hpp"

#include "protocol/sip/uri.hpp"

namespace beckon::client::account {

Result<Account> parse_account(std::string_view text) {
  const bool has_scheme = text.starts_with("sip:") || text.starts_with("sips:");
  const auto uri = sip::parse_uri(has_scheme ? std::string(text) : "sip:" + std::string(text));
  if (!uri) return uri.error();
  if (uri->user.empty() || uri->host.empty()) return sip::Errc::bad_uri;
  Account account;
  account.aor = sip::canonical_aor(*uri);
  account.user = uri->user;
  account.domain = uri->host;
  return account;
}

}  // namespace beckon::client::account
