#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/time.hpp"
#include "protocol/sip/uri.hpp"
#include "protocol/sip/view.hpp"
#include "protocol/transaction/times.hpp"
#include "server/config/entrance.hpp"
#include "server/config/network.hpp"

namespace beckon::server {

/// What becomes of a subscription that no rule covers (DESIGN 6).
enum class WatcherPolicy : std::uint8_t { confirm, allow };

/// What becomes of requests of our own users to other domains.
enum class ForeignPolicy : std::uint8_t {
  refuse,   ///< 403.
  forward,  ///< To the domain's servers (RFC 3263).
};

/// Traffic with other domains. Their servers are known by the certificates of their connections (RFC 5922).
struct Federation {
  /// Domains, lower case, whose users may reach ours; "*": every domain that proves itself.
  std::vector<std::string> domains;
  /// Those of them whose P-Asserted-Identity is believed, and that are shown ours (RFC 3325).
  std::vector<std::string> trusted;
  /// Requests go to other domains over TLS alone, whatever their DNS and URIs offer.
  bool tls_only = true;
  /// Requests from one domain a second and at once, as each shard counts.
  std::uint32_t requests_per_second = 200;
  std::uint32_t requests_burst = 2000;
  /// Of lists of ours to users of one domain (RFC 4662), as each shard counts.
  std::uint32_t subscriptions = 10000;

  bool admits(std::string_view domain) const;  ///< `domain` in lower case.
  bool trusts(std::string_view domain) const;  ///< Likewise.
  bool operator==(const Federation&) const = default;
};

/// Whether requests need a password: of every user, or of none (benches on loopback).
enum class Authentication : std::uint8_t { digest, none };

/// Bounds and lifetimes of one kind of soft state (registrations, subscriptions, publications), in seconds.
struct Lifetimes {
  std::uint32_t minimum = 60;     ///< Shorter requests are answered 423.
  std::uint32_t standard = 3600;  ///< Granted where none was requested.
  std::uint32_t maximum = 3600;   ///< Longer requests are shortened.
  bool operator==(const Lifetimes&) const = default;
};

/// How guessing of passwords is slowed down: for an account, for a source, and for the two together. A shard
/// counts for itself.
struct GuessLimits {
  std::uint32_t free = 10;        ///< Wrong answers before the first pause.
  Duration pause = 1s;            ///< The first one; each further wrong answer doubles it,
  Duration pause_max = 300s;      ///< up to this.
  Duration memory = 900s;         ///< After that long without a wrong answer all is forgotten.
  std::uint32_t entries = 65536;  ///< Of each table; about 150 octets each. Full, the oldest is forgotten.
  bool operator==(const GuessLimits&) const = default;
};

/// What is kept of the messages that users send and receive, for their other devices and as a history.
struct ArchiveLimits {
  std::uint32_t messages_per_user = 500;  ///< The newest; 0: none.
  std::uint32_t keep_days = 90;           ///< Older ones are removed.
  std::uint32_t text_octets = 8192;       ///< Of each text; what is longer is cut.
  std::uint32_t total_mib = 256;  ///< In memory, of all users of a shard; past it the oldest make room.
  bool operator==(const ArchiveLimits&) const = default;
};

/// Messages for users whose devices are away.
struct MessageStorage {
  std::uint32_t per_user = 1000;  ///< Of one user.
  std::uint32_t kib_per_user = 4096;
  /// Disposition notifications of one user, and as many texts of the server's own, beside the messages.
  std::uint32_t notices_per_user = 100;
  std::uint32_t kib_per_shard = 262144;  ///< Of all users.
  /// How long one waits at most; zero: none are stored.
  Duration kept = std::chrono::days(14);
  /// How long one that a device has accepted is kept for the user's other devices; zero: it is not.
  Duration kept_for_others = std::chrono::hours(24);
  /// Devices that are silent for so long count as away. Less than a sender waits (64*T1).
  Duration patience = 8s;
  bool operator==(const MessageStorage&) const = default;
};

/// INVITEs outside of dialogs that have no final answer yet, as each shard counts those that it forwards.
struct RingingLimits {
  std::uint32_t per_user = 100;  ///< For one user, past which it is busy (486), and as many from one (480).
  std::uint32_t per_address = 500;  ///< From one (/64 for IPv6) outside `trusted_networks`; past it 503.
  std::uint32_t per_domain = 1000;  ///< From one other domain; past it 503.
  bool operator==(const RingingLimits&) const = default;
};

/// Rooms: addresses-of-record whose members are a list.
struct RoomLimits {
  std::uint32_t members = 200;               ///< Of one room.
  std::uint32_t per_user = 20;               ///< That one user owns; 0: users make none.
  std::uint32_t per_domain = 10000;          ///< Of one domain; here of one shard.
  std::uint32_t memberships_per_user = 200;  ///< Rooms that one user is in.
  std::uint32_t messages_per_minute =
      60;                                ///< Of one member to one room, and at once; to all five times that.
  std::uint32_t message_octets = 16384;  ///< Of one body.
  bool operator==(const RoomLimits&) const = default;
};

/// The part of the configuration the pure rooms read. Values, no files; `server/config` fills it.
struct Settings {
  std::vector<std::string> domains{"localhost"};  ///< Lower case; the first one is the node's own name.
  Authentication authentication = Authentication::digest;
  bool digest_sha512_256 = false;  ///< Also offer SHA-512-256, before SHA-256 and MD5.
  bool digest_md5 = true;          ///< False: MD5 is neither offered nor accepted.
  bool digest_auth = true;         ///< Offer qop=auth.
  bool digest_auth_int = false;    ///< Offer qop=auth-int; without qop=auth only this is accepted.
  bool digest_userhash = false;    ///< Ask for hashed user names (RFC 7616 3.4.4).
  bool digest_info = true;         ///< Send Authentication-Info with 2xx (RFC 7616 3.5).
  GuessLimits guesses;
  /// Not limited as a source of wrong answers and of requests without credentials.
  std::vector<Network> trusted_networks{
      {{IpAddress::Family::v4, {127}}, 8},
      {{IpAddress::Family::v6, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, 128}};
  /// Requests without credentials, or with ones that do not convince, a second from one address (/64 for
  /// IPv6) and at once.
  std::uint32_t unauthenticated_per_second = 100;
  std::uint32_t unauthenticated_burst = 1000;
  /// COMPAT: user agents that give up where one of several challenges is not MD5, by the beginning of
  /// User-Agent.
  std::vector<std::string> md5_only_agents{"baresip v1.", "Twinkle/", "sipsak", "SIPp"};
  /// COMPAT: where clients come in that are asked for MD5 alone, whatever their User-Agent. The SIP stacks of
  /// browsers keep one of several challenges (JsSIP and SIP.js the last) and give up unless it says MD5.
  std::vector<Entrance> md5_only_at{{transaction::Protocol::ws}, {transaction::Protocol::wss}};
  WatcherPolicy watcher_policy = WatcherPolicy::confirm;
  ForeignPolicy foreign = ForeignPolicy::refuse;
  /// A call rings the devices with the highest q for so long before those with lower ones; zero: all at once.
  Duration serial_ring = 20s;
  bool recurse = false;  ///< Redirections to users of our own are followed here, and not by the caller.
  /// Peers whose P-Asserted-Identity is believed, and that are shown ours (RFC 3325).
  std::vector<Network> trust_domain;
  std::vector<std::string>
      hosts;  ///< Other names and addresses of this node, lower case: listeners, --advertise.
  std::vector<std::uint16_t> ports;  ///< Of the SIP listeners.
  transaction::Times times;          ///< RFC 3261 17; shortened by tests only.
  Federation federation;
  /// Addresses-of-record that may subscribe to everybody's registrations (RFC 3680 4.6).
  std::vector<std::string> registration_watchers;
  /// Addresses-of-record that may register devices for everybody (RFC 3261 10.3 step 4).
  std::vector<std::string> registration_managers;
  /// Addresses-of-record that may subscribe to everybody's dialogs, and see all of them (RFC 4235 3.6).
  std::vector<std::string> dialog_watchers;
  bool dialog_events = true;       ///< The calls that the proxy forwards are shown as dialogs.
  Duration call_age_max = 43200s;  ///< Without a refresh an answered call is believed to be over.
  bool presence_routes = true;     ///< What a user publishes decides about calls and messages to that user.
  bool missed_notes = true;        ///< A user is left a message about a call that nobody answered.

  Lifetimes registration{.minimum = 60, .standard = 3600, .maximum = 7200};
  Lifetimes subscription{.minimum = 60, .standard = 3600, .maximum = 86400};
  /// A NOTIFY that gets no answer, or one that does not end the subscription, is sent again after a growing
  /// pause; so many in a row are the end. 1: the first one is, as RFC 6665 4.2.2 has it.
  std::uint32_t notify_attempts = 3;
  /// Watchers that ask for NOTIFYs without news (RFC 6446 min-rate, adaptive-min-rate) get them this far
  /// apart at the least.
  Duration repeat_interval_min = 10s;
  /// Changes of a list's members are gathered for so long, and sent together.
  Duration list_window = 50ms;
  Lifetimes publication{.minimum = 60, .standard = 3600, .maximum = 3600};
  Duration nonce_lifetime = 300s;   ///< A challenge's nonce; later ones are answered `stale=true`.
  Duration idle_connection = 120s;  ///< Without an octet from the peer a SIP connection is closed.
  Duration restart_grace = 90s;     ///< How long suspended bindings wait for their devices after a restart.
  /// NOTIFYs a second with which the state goes out after a restart. The configuration's
  /// is that of all shards; a shard has its part.
  std::uint32_t restart_notifies_per_second = 1000;

  ArchiveLimits archive;
  MessageStorage messages;
  RoomLimits rooms;
  RingingLimits ringing;

  std::uint32_t bindings_per_aor = 10;
  std::uint32_t publications_per_aor = 10;
  /// Of all its publications: tuples, persons, devices, notes...
  std::uint32_t elements_per_presentity = 256;
  /// Of documents kept for the watchers of one: what each class of them sees, and the same for partial
  /// notification.
  std::uint32_t document_octets_per_presentity = 4U << 20;
  std::uint32_t watchers_per_presentity = 10000;
  /// Those nobody has decided about count for themselves, so that strangers crowd out no others.
  std::uint32_t pending_per_presentity = 1000;
  std::uint32_t watch_log_lines = 32768;  ///< Of all presentities of a shard; 0: none are kept.
  std::uint32_t subscriptions_per_watcher =
      1000;  ///< Of all packages, at all shards: see `subscription::Tally`.
  std::uint32_t subscriptions_per_watcher_and_presentity = 10;
  std::uint32_t list_members = 500;  ///< Of one list; further ones are left out.
  std::uint32_t list_foreign_members =
      100;  ///< Of other domains, in one list; further ones are not followed.
  /// Octets of a NOTIFY of a list over a stream, and in a datagram; what is left goes into the next ones.
  std::uint32_t list_notify_octets = 256U << 10;
  std::uint32_t list_datagram_octets = 32U << 10;
  std::uint32_t document_octets = 256U << 10;  ///< Of one document over XCAP.
  std::uint32_t documents_per_user = 16;       ///< Over XCAP; one of each usage in practice.
  std::uint32_t services_per_document = 64;    ///< Each is looked up among the users (RFC 4826 4.4.5).
  std::uint32_t calls_per_user = 100;  ///< Dialogs that the proxy sees and the user's watchers are shown.
  std::uint32_t max_breadth = 60;  ///< Branches a request may have at once, here and downstream (RFC 5393 5).
  std::uint32_t queue_between_shards = 10000;  ///< Commands waiting for one shard; past it requests get 503.

  bool trusts(const IpAddress& source) const;
  bool is_md5_only(const transaction::Hop& from) const;
  bool serves(std::string_view domain) const;  ///< `domain` in lower case.
  /// Does the host part name another domain, and neither one of ours nor this node?
  bool is_foreign(const sip::UriView& uri) const;
  /// Does the host part name this node? Users are not looked at.
  bool is_own(const sip::Uri& uri) const { return is_own(sip::view(uri)); }
  bool is_own(const sip::UriView& uri) const;
  bool operator==(const Settings&) const = default;
};

}  // namespace beckon::server
