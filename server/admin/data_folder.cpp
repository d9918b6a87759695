#include "server/admin/data_folder.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <fstream>

namespace beckon::server::admin {
namespace {

namespace fs = std::filesystem;

fs::path domains_file(const fs::path& data) { return data / "domains"; }
fs::path reach_file(const fs::path& data) { return data / "reach"; }

enum class Presence : std::uint8_t { missing, empty, filled };

Presence presence_of(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  if (error) return Presence::missing;
  return size == 0 ? Presence::empty : Presence::filled;
}

/// "root", or "uid 1000" where the machine has no name for it.
std::string name_of_owner(uid_t owner) {
  const passwd* entry = ::getpwuid(owner);
  return entry ? entry->pw_name : "uid " + std::to_string(owner);
}

/// One of two files that belong together is gone: what to do about it.
std::string sentence(const fs::path& lost, Presence how, const fs::path& kept, const char* otherwise) {
  return lost.string() + (how == Presence::empty ? " is empty" : " is missing") + ", but " +
         kept.filename().string() + " is not: restore it from a backup, or remove " +
         kept.filename().string() + " as well " + otherwise;
}

}  // namespace

fs::path users_file(const fs::path& data) { return data / "users.db"; }
fs::path state_file(const fs::path& data) { return data / "state.db"; }
fs::path certificate_file(const fs::path& data) { return data / "cert.pem"; }
fs::path key_file(const fs::path& data) { return data / "key.pem"; }

std::optional<std::string> problem_of_access(const fs::path& data) {
  for (const fs::path& path : {data, users_file(data), state_file(data)}) {
    const int wanted = path == data ? R_OK | W_OK | X_OK : R_OK | W_OK;
    struct stat facts{};
    if (::access(path.c_str(), wanted) == 0 || errno == ENOENT || ::stat(path.c_str(), &facts) != 0) continue;
    if (facts.st_uid == ::geteuid())
      return path.string() + " cannot be written: chmod u+rwx " + path.string();
    return path.string() + " cannot be written by " + name_of_owner(::geteuid()) + "; it belongs to " +
           name_of_owner(facts.st_uid) + ": run beckond as that user, or name another folder with --data";
  }
  return std::nullopt;
}

std::optional<std::string> problem_of_users(const fs::path& data) {
  const Presence users = presence_of(users_file(data));
  if (users == Presence::filled || presence_of(state_file(data)) != Presence::filled) return std::nullopt;
  return sentence(users_file(data), users, state_file(data), "to begin with no users and no documents");
}

std::optional<std::string> problem_of_state(const fs::path& data, bool was_made) {
  if (!was_made || presence_of(state_file(data)) != Presence::empty) return std::nullopt;
  return state_file(data).string() +
         " is empty, but users.db is not: restore it from a backup, or remove it to begin without "
         "registrations, subscriptions and documents";
}

bool is_state_missing(const fs::path& data) { return presence_of(state_file(data)) == Presence::missing; }

std::optional<std::string> problem_of_certificate(const fs::path& data) {
  const fs::path certificate = certificate_file(data), key = key_file(data);
  const bool has_certificate = presence_of(certificate) != Presence::missing;
  const bool has_key = presence_of(key) != Presence::missing;
  if (has_certificate == has_key) return std::nullopt;
  return sentence(has_key ? certificate : key, Presence::missing, has_key ? key : certificate,
                  "to have a new pair made");
}

void save_domains(const fs::path& data, const std::vector<std::string>& domains) {
  std::ofstream file(domains_file(data), std::ios::trunc);
  for (const std::string& domain : domains) file << domain << '\n';
}

void save_reach(const fs::path& data, const Reach& reach) {
  std::ofstream file(reach_file(data), std::ios::trunc);
  file << reach.server << '\n' << reach.xcap << '\n' << reach.certificate << '\n';
}

std::optional<Reach> load_reach(const fs::path& data) {
  std::ifstream file(reach_file(data));
  Reach reach;
  const bool whole = std::getline(file, reach.server) && std::getline(file, reach.xcap) &&
                     std::getline(file, reach.certificate);
  return whole ? std::optional(std::move(reach)) : std::nullopt;
}

std::vector<std::string> load_domains(const fs::path& data) {
  std::ifstream file(domains_file(data));
  std::vector<std::string> domains;
  for (std::string domain; std::getline(file, domain);) domains.push_back(domain);
  return domains;
}

}  // namespace beckon::server::admin
