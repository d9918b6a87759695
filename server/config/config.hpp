#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/listener.hpp"
#include "server/config/settings.hpp"

namespace beckon::server {

/// What the state survives; `store::Durability` for the room that stores.
enum class Durability : std::uint8_t { memory, process, power };

/// Bounds of SIP's stream connections (DESIGN 7); `Settings::idle_connection` is another.
struct ConnectionLimits {
  std::uint32_t total = 50000;      ///< Per listener; the next ones are closed at once.
  std::uint32_t per_address = 100;  ///< The same, for one address (/64 of IPv6) that is not trusted.
  std::uint32_t queue_kib =
      4096;  ///< KiB waiting for a peer that reads too slowly; past it the connection is closed.
  Duration handshake = 10s;                      ///< For TCP, TLS and WebSocket handshakes, each.
  Duration message = 30s;                        ///< For one message or HTTP request, first octet to last.
  std::uint32_t unfinished_kib = 65536;          ///< KiB each shard holds of messages that have not ended.
  std::uint32_t websocket_message_kib = 1024;    ///< Past it closed with code 1009.
  Duration websocket_ping = 45s;                 ///< Silence after which a WebSocket is pinged.
  std::vector<std::string> websocket_origins{};  ///< Empty: pages of any origin.
  bool operator==(const ConnectionLimits&) const = default;
};

/// Whether SIP clients over TLS are asked for certificates (RFC 5922 7.4).
struct ClientCertificates {
  std::filesystem::path ca;  ///< PEM of the authority that signs them; empty: not asked.
  bool required = false;
  bool operator==(const ClientCertificates&) const = default;
};

/// The whole configuration, from file and command line.
struct Config {
  Settings settings;           ///< Its `domains`, `hosts` and `ports` are filled when the server starts.
  std::filesystem::path data;  ///< Folder of store, certificate and admin socket.
  std::vector<std::string>
      domains;  ///< Named by the administrator; empty: localhost and the machine's addresses.
  std::vector<Listener> listeners;  ///< Empty: `default_listeners()`.
  std::string advertise;            ///< Host peers reach us at; empty: the listener's address.
  unsigned shards = 1;              ///< Threads, 1 to 64.
  Durability durability = Durability::process;
  std::filesystem::path tls_certificate;  ///< PEM; empty: the self-signed one in the data folder.
  std::filesystem::path tls_key;
  std::vector<Address> dns_servers;  ///< Empty: the machine's own.
  ClientCertificates tls_clients;
  std::filesystem::path federation_ca;  ///< PEM of the authorities of other domains; empty: the system's.
  ConnectionLimits connections;
  std::string log = "info";
  std::uint32_t trace_messages = 1000;           ///< Recent SIP messages each shard remembers; 0: none.
  std::uint32_t trace_octets = 4 * 1024 * 1024;  ///< Of them, at most.
  std::filesystem::path file;                    ///< What was read, and
  std::string overrides;  ///< what the command line said, as TOML: both are read again on SIGHUP.

  const std::vector<Listener>& listening() const;
  bool operator==(const Config&) const = default;
};

/// UDP and TCP 127.0.0.1:5060, TLS 5061, WebSocket 5080, HTTPS 5443, STUN 3478, admin 5090: loopback only.
const std::vector<Listener>& default_listeners();
/// $XDG_DATA_HOME/beckon, else ~/.local/share/beckon.
std::filesystem::path default_data_folder();

/// Reads a TOML text into `config`; other keys stay as they are. Nullopt when all is well, else
/// one sentence for the administrator, with line and column or the key.
std::optional<std::string> read_toml(std::string_view text, Config& config);
std::optional<std::string> read_file(const std::filesystem::path& file, Config& config);
/// The configuration anew from the file and the overrides `now` was made of.
std::optional<std::string> reload(const Config& now, Config& fresh);
/// What a running server continues with after it read `fresh`: `running` with the keys that the sample marks
/// "(reload)" from `fresh`. All others take effect at the next start.
Config reloaded(const Config& running, const Config& fresh);
/// The names of the keys that differ in `fresh` and that `reloaded` does not take over.
std::vector<std::string> waiting(Config running, Config fresh);
/// The names of all keys: "shards", "limits.max_breadth".
std::vector<std::string> key_names();
/// A contradiction in it, such as no authentication beside a listener that is not on loopback; else nullopt.
std::optional<std::string> check(const Config& config);

}  // namespace beckon::server
