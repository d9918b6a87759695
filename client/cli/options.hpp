#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "client/account/account.hpp"
#include "client/agent/tracer.hpp"
#include "protocol/base/time.hpp"
#include "protocol/locate/query.hpp"
#include "protocol/transaction/transport.hpp"

namespace beckon::client::cli {

/// The server as the user wrote it; what is missing is found in the DNS (RFC 3263).
struct ServerAddress {
  transaction::Protocol protocol = transaction::Protocol::tls;
  std::string host;  ///< A name or an address without brackets.
  std::optional<std::uint16_t> port{};
};
/// Reads "tls:127.0.0.1:5061", "udp:[::1]:5060", "tcp:sip.example.org".
std::optional<ServerAddress> parse_server(std::string_view text);

struct Options {
  account::Account account;
  locate::Query server;               ///< Without --server the account's domain.
  std::string server_text;            ///< As the user wrote it, or the domain.
  std::vector<Address> name_servers;  ///< Empty: the machine's own.
  std::string ca_file;                ///< Empty: the system's authorities.
  std::string fingerprint;            ///< The only certificate that is trusted; empty: `ca_file` decides.
  std::string
      xcap_url;  ///< "https://host:port/xcap"; by default on the server's host or the domain, port 5443.
  std::filesystem::path state;
  std::string play, record;
  std::optional<Duration> keep_alive;  ///< Longest time between keep-alives; empty: the standard's.
  bool has_gruu_contact = true;        ///< Dialogs have the device's GRUU as Contact.
  bool json = false;
  bool read_receipts = true;  ///< Senders may know that their messages were displayed on a terminal.
  Tracing tracing = Tracing::off;
  std::filesystem::path socket;         ///< Of the agent in the background.
  bool runs = false;                    ///< This is that agent: `beckon run`.
  bool examines = false;                ///< `beckon doctor`; the password is not looked for.
  bool attaches = false;                ///< It runs, and is used; account, password and server are its own.
  bool stay = false;                    ///< After COMMAND, go on until interrupted.
  bool plain_media = false;             ///< `invite::Options::takes_plain`
  std::string media_security = "best";  ///< `invite::Options::Security` by its name
  bool direct_loopback = false;         ///< Test switch direct.loopback (DIRECT_SESSIONS 5).
  std::vector<std::string> words;  ///< COMMAND and its arguments; empty: commands come from standard input.
};

/// Reads the command line, completes it from the account's entry in accounts.toml, and finds the password.
/// "account ..." is executed here. Empty: help, version or an error was printed, and the program ends with
/// `exit_code`.
std::optional<Options> read_options(int argc, char** argv, int& exit_code);

/// One option of the command line: "--account", what it takes ("TEXT"; empty: nothing), what it is for.
struct OptionRow {
  std::string name, value, help;
};
/// All of them in their order, for the manual and the completions of shells.
std::vector<OptionRow> list_options();

}  // namespace beckon::client::cli
