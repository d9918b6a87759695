#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/time.hpp"
#include "protocol/sip/uri.hpp"
#include "protocol/transaction/times.hpp"

namespace beckon::server {

/// What becomes of a subscription no rule speaks about (DESIGN 6).
enum class WatcherPolicy : std::uint8_t { confirm, allow };

/// Who may send requests: only users with a password, or everybody (benches on loopback).
enum class Authentication : std::uint8_t { digest, none };

/// Bounds and lifetimes of one kind of soft state (registrations, subscriptions, publications), in seconds.
struct Lifetimes {
  std::uint32_t minimum = 60;     ///< Shorter wishes are answered 423.
  std::uint32_t standard = 3600;  ///< Granted where nothing was asked.
  std::uint32_t maximum = 3600;   ///< Longer wishes are shortened.
};

/// The part of the configuration the pure rooms read. Values, no files; `server/config` fills it.
struct Settings {
  std::vector<std::string> domains{"localhost"};  ///< Lower case; the first one is the node's own name.
  Authentication authentication = Authentication::digest;
  bool digest_sha512_256 = false;  ///< Also offer SHA-512-256, before SHA-256 and MD5.
  /// COMPAT: user agents that give up where one of several challenges is not MD5, by the beginning of
  /// User-Agent.
  std::vector<std::string> md5_only_agents{"baresip v1.", "Twinkle/", "JsSIP ", "sipsak", "SIPp"};
  WatcherPolicy watcher_policy = WatcherPolicy::confirm;
  std::vector<std::string>
      hosts;  ///< Other names and addresses of this node, lower case: listeners, --advertise.
  std::vector<std::uint16_t> ports;          ///< Of the SIP listeners.
  transaction::Times times;                  ///< RFC 3261 17; shortened by tests only.
  std::vector<std::string> trusted_domains;  ///< Foreign domains whose users may subscribe.

  Lifetimes registration{.minimum = 60, .standard = 3600, .maximum = 7200};
  Lifetimes subscription{.minimum = 60, .standard = 3600, .maximum = 86400};
  Lifetimes publication{.minimum = 60, .standard = 3600, .maximum = 3600};
  Duration nonce_lifetime = 300s;  ///< A challenge's nonce; later ones are answered `stale=true`.
  Duration restart_grace = 90s;    ///< How long suspended bindings wait for their devices after a restart.

  std::uint32_t bindings_per_aor = 10;
  std::uint32_t publications_per_aor = 10;
  std::uint32_t watchers_per_presentity = 10000;
  std::uint32_t subscriptions_per_watcher = 1000;
  std::uint32_t list_entries = 1000;
  std::uint32_t queue_between_shards = 10000;  ///< Commands waiting for one shard; past it requests get 503.

  bool serves(std::string_view domain) const;  ///< `domain` in lower case.
  /// Does the host part name this node? Users are not looked at.
  bool is_own(const sip::Uri& uri) const;
};

}  // namespace beckon::server
