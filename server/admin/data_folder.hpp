#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace beckon::server::admin {

/// Files of a data folder.
std::filesystem::path users_file(const std::filesystem::path& data);
std::filesystem::path state_file(const std::filesystem::path& data);
/// The self-signed certificate and its key, used when the configuration names none.
std::filesystem::path certificate_file(const std::filesystem::path& data);
std::filesystem::path key_file(const std::filesystem::path& data);

/// Why this user of the machine can do nothing with the folder, or with a file in it: whose it is, and what
/// to do. Nothing where there is no folder yet.
std::optional<std::string> problem_of_access(const std::filesystem::path& data);
/// Why the users file of this folder must not be opened: it is missing or empty while the state file shows
/// that it was there. Opening would make a new one, and the users would be lost without a word. Users without
/// a state file are right: `beckond user add` may run before the first start.
std::optional<std::string> problem_of_users(const std::filesystem::path& data);
/// Why the state file must not be opened. `was_made`: one belongs to the users file
/// (`SqliteUsers::has_state_file`). Else an empty one is what a first start left that was killed.
std::optional<std::string> problem_of_state(const std::filesystem::path& data, bool was_made);
bool is_state_missing(const std::filesystem::path& data);
/// Why the self-signed certificate of this folder can be neither used nor made: one of its two files is
/// missing, and making both would overwrite the other.
std::optional<std::string> problem_of_certificate(const std::filesystem::path& data);

/// Where clients reach the server that last started here: kept beside the users, so that `user invite` knows
/// it when no server runs.
struct Reach {
  std::string server;       ///< "tls:192.0.2.1:5061"; empty: nothing but WebSockets is listened on.
  std::string xcap;         ///< "https://192.0.2.1:5443/xcap"; empty: no https listener.
  std::string certificate;  ///< PEM file that TLS shows; empty: no TLS.
  bool operator==(const Reach&) const = default;
};
void save_reach(const std::filesystem::path& data, const Reach& reach);
/// Nothing: no server has started here.
std::optional<Reach> load_reach(const std::filesystem::path& data);

/// The domains that the administrator named when the server last started: kept beside the users, so that
/// `user add` knows them when no server runs. Best effort.
void save_domains(const std::filesystem::path& data, const std::vector<std::string>& domains);
std::vector<std::string> load_domains(const std::filesystem::path& data);

}  // namespace beckon::server::admin
